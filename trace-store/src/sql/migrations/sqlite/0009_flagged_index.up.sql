-- In the order of a list: where it was not, SQLite passed over every run instead.
DROP INDEX traces_flagged_for_review_idx;
CREATE INDEX traces_flagged_for_review_idx ON traces (started_at DESC, trace_id DESC) WHERE flagged_for_review = 1;
