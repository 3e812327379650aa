-- What single calls and stages amount to, by day: sums of whole numbers, as in daily_rollups.
-- Filled by the program that applies this migration.
CREATE TABLE prompt_rollups (
    day              DATE NOT NULL,
    prompt_name      TEXT NOT NULL,
    calls            BIGINT NOT NULL,
    priced_calls     BIGINT NOT NULL,
    input_tokens     BIGINT NOT NULL,
    output_tokens    BIGINT NOT NULL,
    cost_dollars     BIGINT NOT NULL,
    cost_picodollars BIGINT NOT NULL,
    PRIMARY KEY (day, prompt_name)
) WITH (fillfactor = 50);

-- How long calls ('prompt', milliseconds) and stages ('stage', seconds) took. A bucket holds durations that differ by a 64th at most.
CREATE TABLE duration_rollups (
    day        DATE NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    bucket     BIGINT NOT NULL,
    timed      BIGINT NOT NULL,
    sum_micros BIGINT NOT NULL,
    PRIMARY KEY (day, kind, name, bucket)
) WITH (fillfactor = 50);

-- Decisions that were made with little confidence, wherever they are.
CREATE INDEX decisions_confidence_idx ON decisions (decision, confidence, timestamp);
