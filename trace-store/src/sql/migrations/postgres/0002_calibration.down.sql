ALTER TABLE trace_documents ALTER COLUMN body SET STORAGE EXTENDED;
DROP TABLE principle_rollups;
DROP TABLE daily_rollups;
DROP TABLE principle_gaps;
DROP TABLE write_order;
DROP INDEX traces_project_complete_idx;
DROP INDEX traces_complete_idx;
ALTER TABLE calibration_flags DROP COLUMN basis;
ALTER TABLE traces DROP COLUMN write_order;

CREATE TABLE daily_rollups (
    day            DATE NOT NULL,
    project_id     TEXT NOT NULL,
    intent         TEXT NOT NULL DEFAULT '',
    domain         TEXT NOT NULL DEFAULT '',
    status         TEXT NOT NULL,
    runs           BIGINT NOT NULL DEFAULT 0,
    gate_passed    BIGINT NOT NULL DEFAULT 0,
    gate_failed    BIGINT NOT NULL DEFAULT 0,
    scored_runs    BIGINT NOT NULL DEFAULT 0,
    quality_sum    DOUBLE PRECISION NOT NULL DEFAULT 0,
    timed_runs     BIGINT NOT NULL DEFAULT 0,
    duration_sum   DOUBLE PRECISION NOT NULL DEFAULT 0,
    input_tokens   BIGINT NOT NULL DEFAULT 0,
    output_tokens  BIGINT NOT NULL DEFAULT 0,
    llm_calls      BIGINT NOT NULL DEFAULT 0,
    total_cost_usd NUMERIC(20,12) NOT NULL DEFAULT 0,
    PRIMARY KEY (day, project_id, intent, domain, status)
);
