-- Reports read calls and stages from these indexes alone, name by name, within a stretch of time.
DROP INDEX prompt_executions_name_idx;
CREATE INDEX prompt_executions_name_idx ON prompt_executions (template_name, executed_at DESC)
    INCLUDE (response_time_ms, input_token_count, output_token_count, cost_usd);

DROP INDEX stages_base_name_idx;
CREATE INDEX stages_base_name_idx ON stages (base_name, started_at DESC) INCLUDE (duration_seconds);

-- Few runs end with an error.
CREATE INDEX traces_errors_idx ON traces (started_at DESC) WHERE error_type IS NOT NULL OR error_message IS NOT NULL;

-- The beginning of an id is compared by its bytes; the primary key is in the order of the server's language.
CREATE INDEX traces_trace_id_bytes_idx ON traces (trace_id text_pattern_ops);
