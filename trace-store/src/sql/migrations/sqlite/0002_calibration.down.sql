DROP TABLE principle_rollups;
DROP TABLE daily_rollups;
DROP TABLE principle_gaps;
DROP TABLE write_order;
DROP INDEX traces_project_complete_idx;
DROP INDEX traces_complete_idx;
ALTER TABLE calibration_flags DROP COLUMN basis;
ALTER TABLE traces DROP COLUMN write_order;

CREATE TABLE daily_rollups (
    day                    TEXT    NOT NULL,
    project_id             TEXT    NOT NULL,
    intent                 TEXT    NOT NULL DEFAULT '',
    domain                 TEXT    NOT NULL DEFAULT '',
    status                 TEXT    NOT NULL,
    runs                   INTEGER NOT NULL DEFAULT 0,
    gate_passed            INTEGER NOT NULL DEFAULT 0,
    gate_failed            INTEGER NOT NULL DEFAULT 0,
    scored_runs            INTEGER NOT NULL DEFAULT 0,
    quality_sum            REAL    NOT NULL DEFAULT 0,
    timed_runs             INTEGER NOT NULL DEFAULT 0,
    duration_sum           REAL    NOT NULL DEFAULT 0,
    input_tokens           INTEGER NOT NULL DEFAULT 0,
    output_tokens          INTEGER NOT NULL DEFAULT 0,
    llm_calls              INTEGER NOT NULL DEFAULT 0,
    total_cost_picodollars INTEGER NOT NULL DEFAULT 0,
    total_cost_usd         REAL    GENERATED ALWAYS AS (total_cost_picodollars / 1e12) VIRTUAL,
    PRIMARY KEY (day, project_id, intent, domain, status)
) STRICT, WITHOUT ROWID;
