ALTER TABLE traces RESET (autovacuum_vacuum_insert_scale_factor);
DROP INDEX traces_started_at_idx;
ALTER TABLE traces DROP COLUMN query_head;
CREATE INDEX traces_started_at_idx ON traces (started_at DESC, trace_id);
