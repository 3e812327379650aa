-- A search for a part of a query reads its beginning from the index of the newest runs alone; only where a query is longer is its row looked at.
ALTER TABLE traces ADD COLUMN query_head TEXT GENERATED ALWAYS AS (left(query, 200)) STORED;
DROP INDEX traces_started_at_idx;
CREATE INDEX traces_started_at_idx ON traces (started_at DESC, trace_id DESC) INCLUDE (query_head);

-- What is read from an index alone must have been seen by vacuum, the newest rows too.
ALTER TABLE traces SET (autovacuum_vacuum_insert_scale_factor = 0.02);
