//! What was measured of the executions of an experiment.

use super::select;
use crate::sql::dialect::Connection;
use crate::sql::value::{Cell, Kind, Value, row};
use trace_core::model::{Money, Timestamp};

row! {
    /// An execution of an experiment, with the quality of its run.
    pub(crate) struct SampleRow in "prompt_executions", key [version], keep [] {
        version: i64,
        success: bool,
        response_time_ms: Option<f64>,
        total_token_count: Option<i64>,
        cost_usd: Option<Money>,
        trace_id: String,
        overall_quality_score: Option<f64>,
    }
}

/// Executions with their versions and runs. Every column selected stands in one of the three only.
const WITH_VERSIONS_AND_RUNS: &str = "e JOIN prompt_templates t ON t.id = e.template_id
    LEFT JOIN (SELECT trace_id AS run_id, overall_quality_score FROM traces) runs
    ON runs.run_id = e.trace_id AND e.trace_id <> ''";

/// The executions of an experiment, the oldest first.
pub(crate) async fn of_experiment(connection: &mut Connection, id: &str) -> Result<Vec<SampleRow>, sqlx::Error> {
    let rest = format!("{WITH_VERSIONS_AND_RUNS} WHERE e.experiment_id = $1 ORDER BY e.executed_at, e.trace_id, e.id");
    select(connection, &rest, vec![id.into()]).await
}

/// The newest executions of a prompt since a time, the newest first; `most` at most.
pub(crate) async fn of_prompt(
    connection: &mut Connection,
    registry_name: &str,
    since: Timestamp,
    most: i64,
) -> Result<Vec<SampleRow>, sqlx::Error> {
    let rest = format!(
        "{WITH_VERSIONS_AND_RUNS} WHERE t.registry_name = $1 AND e.executed_at >= {}
        ORDER BY e.executed_at DESC, e.trace_id, e.id LIMIT $3",
        connection.parameter(Kind::Time, 2),
    );
    select(connection, &rest, vec![registry_name.into(), since.into_cell(), Value::Int(most)]).await
}
