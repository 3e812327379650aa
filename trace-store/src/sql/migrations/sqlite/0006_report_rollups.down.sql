DROP INDEX decisions_confidence_idx;
DROP TABLE duration_rollups;
DROP TABLE prompt_rollups;
