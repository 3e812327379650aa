-- Reports read calls and stages from these indexes alone, name by name, within a stretch of time.
DROP INDEX prompt_executions_name_idx;
CREATE INDEX prompt_executions_name_idx ON prompt_executions
    (template_name, executed_at DESC, response_time_ms, input_token_count, output_token_count, cost_picodollars);

DROP INDEX stages_base_name_idx;
CREATE INDEX stages_base_name_idx ON stages (base_name, started_at DESC, duration_seconds);

-- Few runs end with an error.
CREATE INDEX traces_errors_idx ON traces (started_at DESC) WHERE error_type IS NOT NULL OR error_message IS NOT NULL;
