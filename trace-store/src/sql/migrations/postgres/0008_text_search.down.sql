DROP INDEX traces_long_query_idx;
DROP INDEX traces_started_at_idx;
ALTER TABLE traces
    DROP COLUMN query_head,
    ADD COLUMN query_head TEXT GENERATED ALWAYS AS (left(query, 200)) STORED;
CREATE INDEX traces_started_at_idx ON traces (started_at DESC, trace_id DESC) INCLUDE (query_head);
