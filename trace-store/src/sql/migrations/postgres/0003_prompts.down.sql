DROP VIEW prompt_recent_errors;
DROP VIEW prompt_template_performance;

DROP INDEX prompt_experiments_running_idx;
ALTER TABLE prompt_experiments DROP COLUMN sticky_key;

DROP INDEX observations_unversioned_idx;
DROP INDEX prompt_executions_experiment_idx;
DROP INDEX prompt_executions_unlinked_idx;
ALTER TABLE prompt_executions DROP COLUMN experiment_id;
ALTER TABLE prompt_executions DROP COLUMN template_hash;
ALTER TABLE prompt_executions DROP COLUMN prompt_registry_name;

DROP INDEX prompt_templates_template_hash_idx;
ALTER TABLE prompt_templates DROP COLUMN cost_usd_sum;
ALTER TABLE prompt_templates DROP COLUMN priced_executions;
ALTER TABLE prompt_templates DROP COLUMN token_count_sum;
ALTER TABLE prompt_templates DROP COLUMN counted_executions;
ALTER TABLE prompt_templates DROP COLUMN response_time_us_sum;
ALTER TABLE prompt_templates DROP COLUMN timed_executions;
ALTER TABLE prompt_templates DROP COLUMN template_hash;

DROP TABLE prompt_registry;
