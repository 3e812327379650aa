-- The order in which traces were recorded. A writer takes its turn by updating the one row here, and keeps it until it commits: what
-- has a lower number is visible to whoever has a higher one, so what a calibration flag rests on can be found again.
CREATE TABLE write_order (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL
) STRICT;

ALTER TABLE traces ADD COLUMN write_order INTEGER;

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
    completed_at TEXT NOT NULL,
    trace_id     TEXT NOT NULL,
    PRIMARY KEY (principle_id, completed_at, trace_id)
) STRICT, WITHOUT ROWID;

INSERT INTO principle_gaps (principle_id, completed_at, trace_id)
SELECT DISTINCT gap.value, completed_at, trace_id
FROM traces, json_each(gap_principles) AS gap
WHERE status = 'complete' AND completed_at IS NOT NULL;

-- What a flag rests on, and with which thresholds it was raised.
ALTER TABLE calibration_flags ADD COLUMN basis TEXT;

-- Sums that are added to and taken from must come out as if counted anew, so all of them are integers: scores in millionths,
-- durations in microseconds, money in whole dollars and picodollars beside each other (exact, and without overflow).
-- Filled by the program that applies this migration.
DROP TABLE daily_rollups;

CREATE TABLE daily_rollups (
    day                   TEXT    NOT NULL,
    project_id            TEXT    NOT NULL,
    intent                TEXT    NOT NULL,
    domain                TEXT    NOT NULL,
    status                TEXT    NOT NULL,
    runs                  INTEGER NOT NULL,
    gate_passed           INTEGER NOT NULL,
    gate_failed           INTEGER NOT NULL,
    quality_gate_failures INTEGER NOT NULL,
    gap_runs              INTEGER NOT NULL,
    error_runs            INTEGER NOT NULL,
    scored_runs           INTEGER NOT NULL,
    quality_micros        INTEGER NOT NULL,
    timed_runs            INTEGER NOT NULL,
    duration_micros       INTEGER NOT NULL,
    iterations            INTEGER NOT NULL,
    decisions             INTEGER NOT NULL,
    llm_calls             INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    priced_runs           INTEGER NOT NULL,
    cost_dollars          INTEGER NOT NULL,
    cost_picodollars      INTEGER NOT NULL,
    total_cost_usd        REAL    GENERATED ALWAYS AS (cost_dollars + cost_picodollars / 1e12) VIRTUAL,
    PRIMARY KEY (day, project_id, intent, domain, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE principle_rollups (
    day           TEXT    NOT NULL,
    project_id    TEXT    NOT NULL,
    principle_id  TEXT    NOT NULL,
    runs          INTEGER NOT NULL,
    gap_runs      INTEGER NOT NULL,
    strength_runs INTEGER NOT NULL,
    scored_runs   INTEGER NOT NULL,
    score_micros  INTEGER NOT NULL,
    PRIMARY KEY (day, project_id, principle_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX principle_rollups_principle_idx ON principle_rollups (principle_id, day);
