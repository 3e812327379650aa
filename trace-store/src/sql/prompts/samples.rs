//! What was measured of the executions of an experiment.

use super::select;
use crate::sql::dialect::Connection;
use crate::sql::value::row;
use trace_core::model::Money;

row! {
    /// An execution of an experiment, with the quality of its run.
    pub(crate) struct SampleRow in "prompt_executions", key [version], keep [] {
        version: i64,
        success: bool,
        response_time_ms: Option<f64>,
        total_token_count: Option<i64>,
        cost_usd: Option<Money>,
        overall_quality_score: Option<f64>,
    }
}

/// The executions of an experiment, the oldest first.
pub(crate) async fn of_experiment(connection: &mut Connection, id: &str) -> Result<Vec<SampleRow>, sqlx::Error> {
    // Every column selected stands in one of the three tables only.
    let rest = "e JOIN prompt_templates t ON t.id = e.template_id
        LEFT JOIN traces ON traces.trace_id = e.trace_id AND e.trace_id <> ''
        WHERE e.experiment_id = $1 ORDER BY e.executed_at, e.trace_id, e.id";
    select(connection, rest, vec![id.into()]).await
}
