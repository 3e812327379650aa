-- Every key of a per-trace table begins with trace_id, and no id is a serial: the schema can be distributed by trace_id.
-- Money is NUMERIC(20,12): dollars, exact to the picodollar.

CREATE TABLE traces (
    trace_id                TEXT NOT NULL PRIMARY KEY,
    project_id              TEXT NOT NULL,
    query                   TEXT,
    intent                  TEXT,
    domain                  TEXT,
    report_type             TEXT,
    research_type           TEXT,
    status                  TEXT NOT NULL,
    quality_gate_passed     BOOLEAN,
    overall_quality_score   DOUBLE PRECISION,
    started_at              TIMESTAMPTZ,
    completed_at            TIMESTAMPTZ,
    duration_seconds        DOUBLE PRECISION,
    intake_duration         DOUBLE PRECISION,
    rubric_duration         DOUBLE PRECISION,
    collection_duration     DOUBLE PRECISION,
    synthesis_duration      DOUBLE PRECISION,
    quality_gate_duration   DOUBLE PRECISION,
    evidence_collected      BIGINT,
    evidence_passed         BIGINT,
    evidence_filtered       BIGINT,
    synthesis_model         TEXT,
    synthesis_input_tokens  BIGINT,
    synthesis_output_tokens BIGINT,
    synthesis_cost_usd      NUMERIC(20,12),
    principle_scores        JSONB NOT NULL DEFAULT '{}',
    gap_principles          TEXT[] NOT NULL DEFAULT '{}',
    strength_principles     TEXT[] NOT NULL DEFAULT '{}',
    iteration_count         BIGINT NOT NULL DEFAULT 0,
    quality_gate_failures   BIGINT NOT NULL DEFAULT 0,
    trace_file_path         TEXT,
    report_file_path        TEXT,
    output_file_paths       TEXT[] NOT NULL DEFAULT '{}',
    flagged_for_review      BOOLEAN NOT NULL DEFAULT FALSE,
    review_notes            TEXT,
    tier_config             JSONB,
    rubric_scores           JSONB,
    principle_breakdown     JSONB,
    qg_iteration_count      BIGINT,
    retrieval_method        TEXT,
    evidence_retrieved      BIGINT,
    evidence_used           BIGINT,
    retrieval_tokens        BIGINT,
    retrieval_cost_usd      NUMERIC(20,12),
    created_at              TIMESTAMPTZ NOT NULL,
    updated_at              TIMESTAMPTZ NOT NULL,
    session_id              TEXT NOT NULL,
    user_id                 TEXT,
    tags                    JSONB NOT NULL DEFAULT '{}',
    otel_trace_id           TEXT,
    parent_trace_id         TEXT,
    total_cost_usd          NUMERIC(20,12),
    total_input_tokens      BIGINT,
    total_output_tokens     BIGINT,
    llm_calls               BIGINT NOT NULL DEFAULT 0,
    decision_count          BIGINT NOT NULL DEFAULT 0,
    error_type              TEXT,
    error_message           TEXT,
    sampled                 BOOLEAN NOT NULL DEFAULT TRUE,
    dropped_events          BIGINT NOT NULL DEFAULT 0,
    late_events             BIGINT NOT NULL DEFAULT 0,
    warning_count           BIGINT NOT NULL DEFAULT 0
);

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
CREATE INDEX traces_flagged_for_review_idx    ON traces (started_at DESC) WHERE flagged_for_review;
CREATE INDEX traces_principle_scores_idx      ON traces USING GIN (principle_scores);

CREATE TABLE projects (
    project_id TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE stages (
    trace_id           TEXT NOT NULL,
    id                 TEXT NOT NULL,
    position           BIGINT NOT NULL,
    name               TEXT NOT NULL,
    base_name          TEXT NOT NULL,
    parent_id          TEXT,
    component          TEXT,
    started_at         TIMESTAMPTZ,
    completed_at       TIMESTAMPTZ,
    duration_seconds   DOUBLE PRECISION,
    outcome            TEXT,
    error_type         TEXT,
    error_message      TEXT,
    evidence_collected BIGINT,
    evidence_passed    BIGINT,
    evidence_filtered  BIGINT,
    evidence_retrieved BIGINT,
    evidence_used      BIGINT,
    model              TEXT,
    input_tokens       BIGINT,
    output_tokens      BIGINT,
    total_tokens       BIGINT,
    cost_usd           NUMERIC(20,12),
    overall_score      DOUBLE PRECISION,
    passing            BOOLEAN,
    threshold          DOUBLE PRECISION,
    gaps               TEXT[] NOT NULL DEFAULT '{}',
    strengths          TEXT[] NOT NULL DEFAULT '{}',
    inputs             JSONB,
    outputs            JSONB,
    attributes         JSONB,
    PRIMARY KEY (trace_id, id)
);

CREATE INDEX stages_base_name_idx ON stages (base_name, started_at DESC);

CREATE TABLE decisions (
    trace_id                TEXT NOT NULL,
    id                      TEXT NOT NULL,
    position                BIGINT NOT NULL,
    stage_id                TEXT NOT NULL,
    stage                   TEXT NOT NULL,
    observation_id          TEXT,
    decision                TEXT NOT NULL,
    what                    TEXT NOT NULL,
    why                     TEXT NOT NULL,
    confidence              DOUBLE PRECISION,
    alternatives_considered JSONB NOT NULL DEFAULT '[]',
    inputs                  JSONB NOT NULL DEFAULT '{}',
    timestamp               TIMESTAMPTZ,
    component               TEXT,
    location                TEXT,
    PRIMARY KEY (trace_id, id)
);

CREATE INDEX decisions_decision_idx ON decisions (decision, timestamp DESC);

CREATE TABLE observations (
    trace_id               TEXT NOT NULL,
    id                     TEXT NOT NULL,
    position               BIGINT NOT NULL,
    stage_id               TEXT NOT NULL,
    stage                  TEXT NOT NULL,
    parent_id              TEXT,
    name                   TEXT NOT NULL,
    kind                   TEXT NOT NULL,
    component              TEXT,
    started_at             TIMESTAMPTZ,
    duration_ms            DOUBLE PRECISION,
    outcome                TEXT,
    error_type             TEXT,
    error_message          TEXT,
    prompt_name            TEXT,
    prompt_version         BIGINT,
    prompt_registry_name   TEXT,
    prompt_uri             TEXT,
    template_hash          TEXT,
    model                  TEXT,
    provider               TEXT,
    input_tokens           BIGINT,
    cached_input_tokens    BIGINT,
    cache_write_tokens     BIGINT,
    output_tokens          BIGINT,
    reasoning_tokens       BIGINT,
    total_tokens           BIGINT,
    cost_usd               NUMERIC(20,12),
    attempts               BIGINT,
    time_to_first_token_ms DOUBLE PRECISION,
    cached                 BOOLEAN,
    input                  JSONB,
    output                 JSONB,
    attributes             JSONB,
    PRIMARY KEY (trace_id, id)
);

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
    score        DOUBLE PRECISION,
    feedback     TEXT,
    author       TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trace_id, id)
);

CREATE INDEX scores_principle_id_idx ON scores (principle_id, score);

CREATE TABLE calibration_flags (
    trace_id      TEXT NOT NULL,
    id            TEXT NOT NULL,
    kind          TEXT NOT NULL,
    message       TEXT NOT NULL,
    n             BIGINT NOT NULL,
    effect        DOUBLE PRECISION,
    interval_low  DOUBLE PRECISION,
    interval_high DOUBLE PRECISION,
    thin          BOOLEAN NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (trace_id, id)
);

CREATE INDEX calibration_flags_kind_idx ON calibration_flags (kind, created_at DESC);

CREATE TABLE trace_documents (
    trace_id TEXT NOT NULL,
    file     TEXT NOT NULL,
    part     BIGINT NOT NULL,
    encoding TEXT NOT NULL,
    length   BIGINT NOT NULL,
    blake3   TEXT NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (trace_id, file, part)
);

CREATE TABLE components (
    name       TEXT NOT NULL PRIMARY KEY,
    type_name  TEXT NOT NULL DEFAULT '',
    location   TEXT NOT NULL DEFAULT '',
    decisions  TEXT[] NOT NULL DEFAULT '{}',
    outputs    TEXT[] NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE decision_points (
    decision   TEXT NOT NULL,
    location   TEXT NOT NULL,
    component  TEXT,
    function   TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (decision, location)
);

CREATE TABLE prompt_templates (
    id                   TEXT NOT NULL PRIMARY KEY,
    name                 TEXT NOT NULL,
    registry_name        TEXT NOT NULL,
    version              BIGINT NOT NULL,
    system_text          TEXT,
    template_text        TEXT NOT NULL,
    variables            TEXT[] NOT NULL DEFAULT '{}',
    is_active            BOOLEAN NOT NULL DEFAULT TRUE,
    ab_test_group        TEXT,
    traffic_percentage   DOUBLE PRECISION,
    parent_version_id    TEXT,
    commit_message       TEXT,
    metadata             JSONB NOT NULL DEFAULT '{}',
    total_executions     BIGINT NOT NULL DEFAULT 0,
    success_count        BIGINT NOT NULL DEFAULT 0,
    failure_count        BIGINT NOT NULL DEFAULT 0,
    avg_response_time_ms DOUBLE PRECISION,
    avg_token_count      DOUBLE PRECISION,
    avg_cost_usd         NUMERIC(20,12),
    created_at           TIMESTAMPTZ NOT NULL,
    UNIQUE (registry_name, version)
);

CREATE INDEX prompt_templates_name_idx ON prompt_templates (name, version);

CREATE TABLE prompt_executions (
    id                 TEXT NOT NULL,
    template_id        TEXT,
    template_name      TEXT NOT NULL,
    trace_id           TEXT NOT NULL DEFAULT '',
    observation_id     TEXT,
    session_id         TEXT,
    executed_at        TIMESTAMPTZ NOT NULL,
    success            BOOLEAN NOT NULL,
    response_time_ms   DOUBLE PRECISION,
    input_token_count  BIGINT,
    output_token_count BIGINT,
    total_token_count  BIGINT,
    cost_usd           NUMERIC(20,12),
    model              TEXT,
    provider           TEXT,
    error_message      TEXT,
    metadata           JSONB,
    PRIMARY KEY (trace_id, id)
);

CREATE INDEX prompt_executions_template_idx    ON prompt_executions (template_id, executed_at DESC);
CREATE INDEX prompt_executions_name_idx        ON prompt_executions (template_name, executed_at DESC);
CREATE INDEX prompt_executions_executed_at_idx ON prompt_executions (executed_at DESC);

CREATE TABLE prompt_labels (
    registry_name TEXT NOT NULL,
    label         TEXT NOT NULL,
    version       BIGINT NOT NULL,
    updated_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (registry_name, label)
);

CREATE TABLE prompt_experiments (
    id            TEXT NOT NULL PRIMARY KEY,
    registry_name TEXT NOT NULL,
    name          TEXT NOT NULL,
    arms          JSONB NOT NULL DEFAULT '[]',
    status        TEXT NOT NULL DEFAULT 'running',
    started_at    TIMESTAMPTZ NOT NULL,
    ended_at      TIMESTAMPTZ,
    metadata      JSONB NOT NULL DEFAULT '{}'
);

CREATE INDEX prompt_experiments_registry_name_idx ON prompt_experiments (registry_name, status);

-- Prices are per million tokens.
CREATE TABLE model_prices (
    provider         TEXT NOT NULL,
    model            TEXT NOT NULL,
    tier             TEXT NOT NULL DEFAULT '',
    effective_from   TIMESTAMPTZ NOT NULL,
    input_usd        NUMERIC(20,12),
    cached_input_usd NUMERIC(20,12),
    cache_write_usd  NUMERIC(20,12),
    output_usd       NUMERIC(20,12),
    reasoning_usd    NUMERIC(20,12),
    source           TEXT NOT NULL DEFAULT 'user',
    PRIMARY KEY (provider, model, tier, effective_from)
);

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

CREATE VIEW trace_quality_gaps AS
SELECT trace_id, project_id, query, intent, domain, status, started_at, overall_quality_score, quality_gate_passed,
       gap_principles, principle_scores
FROM traces
WHERE cardinality(gap_principles) > 0;

CREATE VIEW trace_intent_summary AS
SELECT intent,
       COUNT(*)                                    AS total_runs,
       COUNT(*) FILTER (WHERE status = 'complete') AS complete_runs,
       AVG(overall_quality_score)                  AS avg_quality_score,
       AVG(quality_gate_passed::INT)::DOUBLE PRECISION AS gate_pass_rate,
       AVG(duration_seconds)                       AS avg_duration_seconds,
       AVG(total_cost_usd)                         AS avg_cost_usd,
       SUM(total_cost_usd)                         AS total_cost_usd,
       MAX(started_at)                             AS last_started_at
FROM traces
GROUP BY intent;
