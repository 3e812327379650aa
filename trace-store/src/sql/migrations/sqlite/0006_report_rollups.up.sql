-- What single calls and stages amount to, by day: sums of whole numbers, as in daily_rollups.
-- Filled by the program that applies this migration.
CREATE TABLE prompt_rollups (
    day              TEXT NOT NULL,
    prompt_name      TEXT NOT NULL,
    calls            INTEGER NOT NULL,
    priced_calls     INTEGER NOT NULL,
    input_tokens     INTEGER NOT NULL,
    output_tokens    INTEGER NOT NULL,
    cost_dollars     INTEGER NOT NULL,
    cost_picodollars INTEGER NOT NULL,
    PRIMARY KEY (day, prompt_name)
) STRICT, WITHOUT ROWID;

-- How long calls ('prompt', milliseconds) and stages ('stage', seconds) took. A bucket holds durations that differ by a 64th at most.
CREATE TABLE duration_rollups (
    day        TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    bucket     INTEGER NOT NULL,
    timed      INTEGER NOT NULL,
    sum_micros INTEGER NOT NULL,
    PRIMARY KEY (day, kind, name, bucket)
) STRICT, WITHOUT ROWID;

-- Decisions that were made with little confidence, wherever they are.
CREATE INDEX decisions_confidence_idx ON decisions (decision, confidence, timestamp);
