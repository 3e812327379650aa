DROP INDEX traces_trace_id_bytes_idx;
DROP INDEX traces_errors_idx;

DROP INDEX stages_base_name_idx;
CREATE INDEX stages_base_name_idx ON stages (base_name, started_at DESC);

DROP INDEX prompt_executions_name_idx;
CREATE INDEX prompt_executions_name_idx ON prompt_executions (template_name, executed_at DESC);
