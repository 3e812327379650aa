DROP INDEX traces_flagged_for_review_idx;
CREATE INDEX traces_flagged_for_review_idx ON traces (started_at DESC) WHERE flagged_for_review;
