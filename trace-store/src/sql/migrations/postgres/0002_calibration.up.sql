-- The order in which traces were recorded. A writer takes its turn by updating the one row here, and keeps it until it commits: what
-- has a lower number is visible to whoever has a higher one, so what a calibration flag rests on can be found again.
CREATE TABLE write_order (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    last BIGINT NOT NULL
) WITH (fillfactor = 10);

ALTER TABLE traces ADD COLUMN write_order BIGINT;

UPDATE traces SET write_order = numbered.number
FROM (SELECT trace_id, ROW_NUMBER() OVER (ORDER BY completed_at, trace_id) AS number FROM traces) AS numbered
WHERE traces.trace_id = numbered.trace_id;

INSERT INTO write_order (id, last) SELECT 1, COUNT(*) FROM traces;

-- The newest complete runs, of all projects and of one.
CREATE INDEX traces_complete_idx         ON traces (completed_at DESC, write_order DESC) WHERE status = 'complete';
CREATE INDEX traces_project_complete_idx ON traces (project_id, completed_at DESC, write_order DESC) WHERE status = 'complete';

-- Which complete runs had which gaps, by time.
CREATE TABLE principle_gaps (
    principle_id TEXT NOT NULL,
    completed_at TIMESTAMPTZ NOT NULL,
    trace_id     TEXT NOT NULL,
    PRIMARY KEY (principle_id, completed_at, trace_id)
);

INSERT INTO principle_gaps (principle_id, completed_at, trace_id)
SELECT DISTINCT principle_id, completed_at, trace_id
FROM traces, UNNEST(gap_principles) AS principle_id
WHERE status = 'complete' AND completed_at IS NOT NULL;

-- What a flag rests on, and with which thresholds it was raised.
ALTER TABLE calibration_flags ADD COLUMN basis JSONB;

-- Sums that are added to and taken from must come out as if counted anew, so all of them are integers: scores in millionths,
-- durations in microseconds, money in whole dollars and picodollars beside each other (exact, and without overflow).
-- Filled by the program that applies this migration.
DROP TABLE daily_rollups;

CREATE TABLE daily_rollups (
    day                   DATE NOT NULL,
    project_id            TEXT NOT NULL,
    intent                TEXT NOT NULL,
    domain                TEXT NOT NULL,
    status                TEXT NOT NULL,
    runs                  BIGINT NOT NULL,
    gate_passed           BIGINT NOT NULL,
    gate_failed           BIGINT NOT NULL,
    quality_gate_failures BIGINT NOT NULL,
    gap_runs              BIGINT NOT NULL,
    error_runs            BIGINT NOT NULL,
    scored_runs           BIGINT NOT NULL,
    quality_micros        BIGINT NOT NULL,
    timed_runs            BIGINT NOT NULL,
    duration_micros       BIGINT NOT NULL,
    iterations            BIGINT NOT NULL,
    decisions             BIGINT NOT NULL,
    llm_calls             BIGINT NOT NULL,
    input_tokens          BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    priced_runs           BIGINT NOT NULL,
    cost_dollars          BIGINT NOT NULL,
    cost_picodollars      BIGINT NOT NULL,
    total_cost_usd        NUMERIC(38,12) GENERATED ALWAYS AS (cost_dollars + cost_picodollars / 1000000000000::NUMERIC) STORED,
    PRIMARY KEY (day, project_id, intent, domain, status)
) WITH (fillfactor = 70);

CREATE TABLE principle_rollups (
    day           DATE NOT NULL,
    project_id    TEXT NOT NULL,
    principle_id  TEXT NOT NULL,
    runs          BIGINT NOT NULL,
    gap_runs      BIGINT NOT NULL,
    strength_runs BIGINT NOT NULL,
    scored_runs   BIGINT NOT NULL,
    score_micros  BIGINT NOT NULL,
    PRIMARY KEY (day, project_id, principle_id)
) WITH (fillfactor = 70);

CREATE INDEX principle_rollups_principle_idx ON principle_rollups (principle_id, day);

-- Pieces are compressed before they come here: trying it again costs the server more than all else of a row.
ALTER TABLE trace_documents ALTER COLUMN body SET STORAGE EXTERNAL;
