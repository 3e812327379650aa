DROP TABLE duration_rollups;
DROP TABLE prompt_rollups;
