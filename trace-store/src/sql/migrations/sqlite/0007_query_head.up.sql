-- A search for a part of a query reads its beginning from the index of the newest runs alone; only where a query is longer is its row looked at.
ALTER TABLE traces ADD COLUMN query_head TEXT GENERATED ALWAYS AS (substr(query, 1, 200)) VIRTUAL;
DROP INDEX traces_started_at_idx;
CREATE INDEX traces_started_at_idx ON traces (started_at DESC, trace_id DESC, query_head);
