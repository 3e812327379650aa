-- A search compares small letters: what is ASCII becomes one when it is written, instead of in each search, and a part of a text is
-- found in a folded one by a plain comparison.
DROP INDEX traces_started_at_idx;
ALTER TABLE traces
    DROP COLUMN query_head,
    ADD COLUMN query_head TEXT GENERATED ALWAYS AS (lower(left(query, 200) COLLATE "C")) STORED;
CREATE INDEX traces_started_at_idx ON traces (started_at DESC, trace_id DESC) INCLUDE (query_head);

-- The runs whose query goes on behind that.
CREATE INDEX traces_long_query_idx ON traces (started_at DESC) WHERE length(query) > 200;
