-- The registry of prompts: versions by content, labels, experiments, and exact statistics of what was executed with them.

-- Who writes to the registry raises its revision; readers see by one number whether anything has changed.
CREATE TABLE prompt_registry (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO prompt_registry (id, revision) VALUES (1, 0);

-- Averages are quotients of these: whole microseconds, tokens and picodollars, each with the number of executions that said one.
ALTER TABLE prompt_templates ADD COLUMN template_hash        TEXT    NOT NULL DEFAULT '';
ALTER TABLE prompt_templates ADD COLUMN timed_executions     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt_templates ADD COLUMN response_time_us_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt_templates ADD COLUMN counted_executions   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt_templates ADD COLUMN token_count_sum      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt_templates ADD COLUMN priced_executions    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prompt_templates ADD COLUMN cost_picodollars_sum INTEGER NOT NULL DEFAULT 0;

CREATE INDEX prompt_templates_template_hash_idx ON prompt_templates (template_hash, version);

-- What an execution was made with, as long as `template_id` is not known; the experiment whose arm it belongs to.
ALTER TABLE prompt_executions ADD COLUMN prompt_registry_name TEXT;
ALTER TABLE prompt_executions ADD COLUMN template_hash        TEXT;
ALTER TABLE prompt_executions ADD COLUMN experiment_id        TEXT;

UPDATE prompt_executions
SET prompt_registry_name = metadata ->> 'prompt_registry_name', template_hash = metadata ->> 'template_hash';

CREATE INDEX prompt_executions_unlinked_idx   ON prompt_executions (template_hash) WHERE template_id IS NULL AND template_hash IS NOT NULL;
CREATE INDEX prompt_executions_experiment_idx ON prompt_executions (experiment_id, executed_at DESC) WHERE experiment_id IS NOT NULL;
CREATE INDEX observations_unversioned_idx     ON observations (template_hash) WHERE prompt_version IS NULL AND template_hash IS NOT NULL;

ALTER TABLE prompt_experiments ADD COLUMN sticky_key TEXT NOT NULL DEFAULT 'session';

CREATE UNIQUE INDEX prompt_experiments_running_idx ON prompt_experiments (registry_name) WHERE status = 'running';

CREATE VIEW prompt_template_performance AS
SELECT id, name, registry_name, version, ab_test_group, is_active, total_executions, success_count, failure_count,
       CAST(success_count AS REAL) / NULLIF(total_executions, 0) AS success_rate,
       avg_response_time_ms, avg_token_count, avg_cost_usd, cost_picodollars_sum / 1e12 AS total_cost_usd,
       (SELECT MAX(e.executed_at) FROM prompt_executions e WHERE e.template_id = prompt_templates.id) AS last_executed_at
FROM prompt_templates;

CREATE VIEW prompt_recent_errors AS
SELECT e.executed_at, e.template_name, t.version, e.trace_id, e.id, e.observation_id, e.session_id, e.model, e.provider,
       e.response_time_ms, e.error_message
FROM prompt_executions e
LEFT JOIN prompt_templates t ON t.id = e.template_id
WHERE NOT e.success AND e.executed_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-7 days');
