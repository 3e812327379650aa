-- Every key of a per-trace table begins with trace_id, and no id is a serial: the schema can be distributed by trace_id.
-- Moments are texts of one width (2026-02-13T14:30:22.123456Z), lists and objects are JSON texts, money is an integer of
-- picodollars (10^-12 dollars) beside a generated column in dollars.

CREATE TABLE traces (
    trace_id                     TEXT    NOT NULL PRIMARY KEY,
    project_id                   TEXT    NOT NULL,
    query                        TEXT,
    intent                       TEXT,
    domain                       TEXT,
    report_type                  TEXT,
    research_type                TEXT,
    status                       TEXT    NOT NULL,
    quality_gate_passed          INTEGER CHECK (quality_gate_passed IN (0, 1)),
    overall_quality_score        REAL,
    started_at                   TEXT,
    completed_at                 TEXT,
    duration_seconds             REAL,
    intake_duration              REAL,
    rubric_duration              REAL,
    collection_duration          REAL,
    synthesis_duration           REAL,
    quality_gate_duration        REAL,
    evidence_collected           INTEGER,
    evidence_passed              INTEGER,
    evidence_filtered            INTEGER,
    synthesis_model              TEXT,
    synthesis_input_tokens       INTEGER,
    synthesis_output_tokens      INTEGER,
    synthesis_cost_picodollars   INTEGER,
    synthesis_cost_usd           REAL    GENERATED ALWAYS AS (synthesis_cost_picodollars / 1e12) VIRTUAL,
    principle_scores             TEXT    NOT NULL DEFAULT '{}',
    gap_principles               TEXT    NOT NULL DEFAULT '[]',
    strength_principles          TEXT    NOT NULL DEFAULT '[]',
    iteration_count              INTEGER NOT NULL DEFAULT 0,
    quality_gate_failures        INTEGER NOT NULL DEFAULT 0,
    trace_file_path              TEXT,
    report_file_path             TEXT,
    output_file_paths            TEXT    NOT NULL DEFAULT '[]',
    flagged_for_review           INTEGER NOT NULL DEFAULT 0 CHECK (flagged_for_review IN (0, 1)),
    review_notes                 TEXT,
    tier_config                  TEXT,
    rubric_scores                TEXT,
    principle_breakdown          TEXT,
    qg_iteration_count           INTEGER,
    retrieval_method             TEXT,
    evidence_retrieved           INTEGER,
    evidence_used                INTEGER,
    retrieval_tokens             INTEGER,
    retrieval_cost_picodollars   INTEGER,
    retrieval_cost_usd           REAL    GENERATED ALWAYS AS (retrieval_cost_picodollars / 1e12) VIRTUAL,
    created_at                   TEXT    NOT NULL,
    updated_at                   TEXT    NOT NULL,
    session_id                   TEXT    NOT NULL,
    user_id                      TEXT,
    tags                         TEXT    NOT NULL DEFAULT '{}',
    otel_trace_id                TEXT,
    parent_trace_id              TEXT,
    total_cost_picodollars       INTEGER,
    total_cost_usd               REAL    GENERATED ALWAYS AS (total_cost_picodollars / 1e12) VIRTUAL,
    total_input_tokens           INTEGER,
    total_output_tokens          INTEGER,
    llm_calls                    INTEGER NOT NULL DEFAULT 0,
    decision_count               INTEGER NOT NULL DEFAULT 0,
    error_type                   TEXT,
    error_message                TEXT,
    sampled                      INTEGER NOT NULL DEFAULT 1 CHECK (sampled IN (0, 1)),
    dropped_events               INTEGER NOT NULL DEFAULT 0,
    late_events                  INTEGER NOT NULL DEFAULT 0,
    warning_count                INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Lists are newest first, so what is filtered by comes with the time.
CREATE INDEX traces_started_at_idx            ON traces (started_at DESC, trace_id);
CREATE INDEX traces_project_id_idx            ON traces (project_id, started_at DESC);
CREATE INDEX traces_intent_idx                ON traces (intent, started_at DESC);
CREATE INDEX traces_domain_idx                ON traces (domain, started_at DESC);
CREATE INDEX traces_report_type_idx           ON traces (report_type, started_at DESC);
CREATE INDEX traces_status_idx                ON traces (status, started_at DESC);
CREATE INDEX traces_quality_gate_passed_idx   ON traces (quality_gate_passed, started_at DESC);
CREATE INDEX traces_overall_quality_score_idx ON traces (overall_quality_score);
CREATE INDEX traces_session_id_idx            ON traces (session_id, started_at DESC);
CREATE INDEX traces_parent_trace_id_idx       ON traces (parent_trace_id) WHERE parent_trace_id IS NOT NULL;
CREATE INDEX traces_otel_trace_id_idx         ON traces (otel_trace_id) WHERE otel_trace_id IS NOT NULL;
CREATE INDEX traces_flagged_for_review_idx    ON traces (started_at DESC) WHERE flagged_for_review = 1;

CREATE TABLE projects (
    project_id TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE stages (
    trace_id           TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    position           INTEGER NOT NULL,
    name               TEXT    NOT NULL,
    base_name          TEXT    NOT NULL,
    parent_id          TEXT,
    component          TEXT,
    started_at         TEXT,
    completed_at       TEXT,
    duration_seconds   REAL,
    outcome            TEXT,
    error_type         TEXT,
    error_message      TEXT,
    evidence_collected INTEGER,
    evidence_passed    INTEGER,
    evidence_filtered  INTEGER,
    evidence_retrieved INTEGER,
    evidence_used      INTEGER,
    model              TEXT,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    total_tokens       INTEGER,
    cost_picodollars   INTEGER,
    cost_usd           REAL    GENERATED ALWAYS AS (cost_picodollars / 1e12) VIRTUAL,
    overall_score      REAL,
    passing            INTEGER CHECK (passing IN (0, 1)),
    threshold          REAL,
    gaps               TEXT    NOT NULL DEFAULT '[]',
    strengths          TEXT    NOT NULL DEFAULT '[]',
    inputs             TEXT,
    outputs            TEXT,
    attributes         TEXT,
    PRIMARY KEY (trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX stages_base_name_idx ON stages (base_name, started_at DESC);

CREATE TABLE decisions (
    trace_id                TEXT    NOT NULL,
    id                      TEXT    NOT NULL,
    position                INTEGER NOT NULL,
    stage_id                TEXT    NOT NULL,
    stage                   TEXT    NOT NULL,
    observation_id          TEXT,
    decision                TEXT    NOT NULL,
    what                    TEXT    NOT NULL,
    why                     TEXT    NOT NULL,
    confidence              REAL,
    alternatives_considered TEXT    NOT NULL DEFAULT '[]',
    inputs                  TEXT    NOT NULL DEFAULT '{}',
    timestamp               TEXT,
    component               TEXT,
    location                TEXT,
    PRIMARY KEY (trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX decisions_decision_idx ON decisions (decision, timestamp DESC);

CREATE TABLE observations (
    trace_id               TEXT    NOT NULL,
    id                     TEXT    NOT NULL,
    position               INTEGER NOT NULL,
    stage_id               TEXT    NOT NULL,
    stage                  TEXT    NOT NULL,
    parent_id              TEXT,
    name                   TEXT    NOT NULL,
    kind                   TEXT    NOT NULL,
    component              TEXT,
    started_at             TEXT,
    duration_ms            REAL,
    outcome                TEXT,
    error_type             TEXT,
    error_message          TEXT,
    prompt_name            TEXT,
    prompt_version         INTEGER,
    prompt_registry_name   TEXT,
    prompt_uri             TEXT,
    template_hash          TEXT,
    model                  TEXT,
    provider               TEXT,
    input_tokens           INTEGER,
    cached_input_tokens    INTEGER,
    cache_write_tokens     INTEGER,
    output_tokens          INTEGER,
    reasoning_tokens       INTEGER,
    total_tokens           INTEGER,
    cost_picodollars       INTEGER,
    cost_usd               REAL    GENERATED ALWAYS AS (cost_picodollars / 1e12) VIRTUAL,
    attempts               INTEGER,
    time_to_first_token_ms REAL,
    cached                 INTEGER CHECK (cached IN (0, 1)),
    input                  TEXT,
    output                 TEXT,
    attributes             TEXT,
    PRIMARY KEY (trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX observations_name_idx   ON observations (name, started_at DESC);
CREATE INDEX observations_prompt_idx ON observations (prompt_name, prompt_version, started_at DESC) WHERE prompt_name IS NOT NULL;

CREATE TABLE scores (
    trace_id     TEXT NOT NULL,
    id           TEXT NOT NULL,
    source       TEXT NOT NULL CHECK (source IN ('pipeline', 'human', 'judge')),
    stage_id     TEXT,
    stage        TEXT,
    principle_id TEXT NOT NULL,
    name         TEXT,
    score        REAL,
    feedback     TEXT,
    author       TEXT,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX scores_principle_id_idx ON scores (principle_id, score);

CREATE TABLE calibration_flags (
    trace_id      TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    n             INTEGER NOT NULL,
    effect        REAL,
    interval_low  REAL,
    interval_high REAL,
    thin          INTEGER NOT NULL CHECK (thin IN (0, 1)),
    created_at    TEXT    NOT NULL,
    PRIMARY KEY (trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX calibration_flags_kind_idx ON calibration_flags (kind, created_at DESC);

CREATE TABLE trace_documents (
    trace_id TEXT    NOT NULL,
    file     TEXT    NOT NULL,
    part     INTEGER NOT NULL,
    encoding TEXT    NOT NULL,
    length   INTEGER NOT NULL,
    blake3   TEXT    NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (trace_id, file, part)
) STRICT;

CREATE TABLE components (
    name       TEXT NOT NULL PRIMARY KEY,
    type_name  TEXT NOT NULL DEFAULT '',
    location   TEXT NOT NULL DEFAULT '',
    decisions  TEXT NOT NULL DEFAULT '[]',
    outputs    TEXT NOT NULL DEFAULT '[]',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE decision_points (
    decision   TEXT NOT NULL,
    location   TEXT NOT NULL,
    component  TEXT,
    function   TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (decision, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompt_templates (
    id                   TEXT    NOT NULL PRIMARY KEY,
    name                 TEXT    NOT NULL,
    registry_name        TEXT    NOT NULL,
    version              INTEGER NOT NULL,
    system_text          TEXT,
    template_text        TEXT    NOT NULL,
    variables            TEXT    NOT NULL DEFAULT '[]',
    is_active            INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    ab_test_group        TEXT,
    traffic_percentage   REAL,
    parent_version_id    TEXT,
    commit_message       TEXT,
    metadata             TEXT    NOT NULL DEFAULT '{}',
    total_executions     INTEGER NOT NULL DEFAULT 0,
    success_count        INTEGER NOT NULL DEFAULT 0,
    failure_count        INTEGER NOT NULL DEFAULT 0,
    avg_response_time_ms REAL,
    avg_token_count      REAL,
    avg_cost_picodollars INTEGER,
    avg_cost_usd         REAL    GENERATED ALWAYS AS (avg_cost_picodollars / 1e12) VIRTUAL,
    created_at           TEXT    NOT NULL,
    UNIQUE (registry_name, version)
) STRICT;

CREATE INDEX prompt_templates_name_idx ON prompt_templates (name, version);

CREATE TABLE prompt_executions (
    id                 TEXT    NOT NULL,
    template_id        TEXT,
    template_name      TEXT    NOT NULL,
    trace_id           TEXT    NOT NULL DEFAULT '',
    observation_id     TEXT,
    session_id         TEXT,
    executed_at        TEXT    NOT NULL,
    success            INTEGER NOT NULL CHECK (success IN (0, 1)),
    response_time_ms   REAL,
    input_token_count  INTEGER,
    output_token_count INTEGER,
    total_token_count  INTEGER,
    cost_picodollars   INTEGER,
    cost_usd           REAL    GENERATED ALWAYS AS (cost_picodollars / 1e12) VIRTUAL,
    model              TEXT,
    provider           TEXT,
    error_message      TEXT,
    metadata           TEXT,
    PRIMARY KEY (trace_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX prompt_executions_template_idx    ON prompt_executions (template_id, executed_at DESC);
CREATE INDEX prompt_executions_name_idx        ON prompt_executions (template_name, executed_at DESC);
CREATE INDEX prompt_executions_executed_at_idx ON prompt_executions (executed_at DESC);

CREATE TABLE prompt_labels (
    registry_name TEXT    NOT NULL,
    label         TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    updated_at    TEXT    NOT NULL,
    PRIMARY KEY (registry_name, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE prompt_experiments (
    id            TEXT NOT NULL PRIMARY KEY,
    registry_name TEXT NOT NULL,
    name          TEXT NOT NULL,
    arms          TEXT NOT NULL DEFAULT '[]',
    status        TEXT NOT NULL DEFAULT 'running',
    started_at    TEXT NOT NULL,
    ended_at      TEXT,
    metadata      TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX prompt_experiments_registry_name_idx ON prompt_experiments (registry_name, status);

-- Prices are per million tokens.
CREATE TABLE model_prices (
    provider                TEXT    NOT NULL,
    model                   TEXT    NOT NULL,
    tier                    TEXT    NOT NULL DEFAULT '',
    effective_from          TEXT    NOT NULL,
    input_picodollars       INTEGER,
    cached_input_picodollars INTEGER,
    cache_write_picodollars INTEGER,
    output_picodollars      INTEGER,
    reasoning_picodollars   INTEGER,
    source                  TEXT    NOT NULL DEFAULT 'user',
    PRIMARY KEY (provider, model, tier, effective_from)
) STRICT, WITHOUT ROWID;

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

CREATE VIEW trace_quality_gaps AS
SELECT trace_id, project_id, query, intent, domain, status, started_at, overall_quality_score, quality_gate_passed,
       gap_principles, principle_scores
FROM traces
WHERE gap_principles <> '[]';

-- Whole dollars and their fractions are summed apart: exact, and without overflow.
CREATE VIEW trace_intent_summary AS
SELECT intent,
       COUNT(*)                           AS total_runs,
       SUM(status = 'complete')           AS complete_runs,
       AVG(overall_quality_score)         AS avg_quality_score,
       AVG(quality_gate_passed)           AS gate_pass_rate,
       AVG(duration_seconds)              AS avg_duration_seconds,
       AVG(total_cost_picodollars) / 1e12 AS avg_cost_usd,
       SUM(total_cost_picodollars / 1000000000000) + SUM(total_cost_picodollars % 1000000000000) / 1e12 AS total_cost_usd,
       MAX(started_at)                    AS last_started_at
FROM traces
GROUP BY intent;
