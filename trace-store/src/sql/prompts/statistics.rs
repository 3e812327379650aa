//! The statistics of versions: exact, however many programs write and however often a trace is sent again.
//!
//! Comes in: what executions add and what is taken back. Goes out: one update of all versions concerned. A version's row holds sums of
//! whole numbers and the averages made of them, so nothing is lost to rounding and no execution is read again.

use crate::sql::dialect::Connection;
use crate::sql::value::{Column, Kind, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use trace_core::model::Money;

/// The longest time and the most tokens that one execution counts for: more is nonsense, and nonsense must not make the sums overflow.
const MOST: i64 = 1_000_000_000_000;

/// What one execution counts for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) success: bool,
    pub(crate) response_time_ms: Option<f64>,
    pub(crate) total_token_count: Option<i64>,
    pub(crate) cost_usd: Option<Money>,
}

/// What a version's sums change by.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Change {
    executions: i64,
    successes: i64,
    timed: i64,
    micros: i64,
    counted: i64,
    tokens: i64,
    priced: i64,
    picodollars: i64,
}

/// Changes to be made, by version id.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<String, Change>);

impl Changes {
    /// An execution of a version is there now.
    pub(crate) fn add(&mut self, template_id: &str, execution: Counted) {
        self.change(template_id, execution, 1);
    }

    /// An execution of a version that was counted is not there any more, or is another one.
    pub(crate) fn take_back(&mut self, template_id: &str, execution: Counted) {
        self.change(template_id, execution, -1);
    }

    fn change(&mut self, template_id: &str, execution: Counted, sign: i64) {
        let change = self.0.entry(template_id.to_owned()).or_default();
        let add = |count: &mut i64, sum: &mut i64, value: Option<i64>| {
            if let Some(value) = value {
                *count += sign;
                *sum = sum.saturating_add(sign.saturating_mul(value));
            }
        };
        change.executions += sign;
        change.successes += sign * i64::from(execution.success);
        add(&mut change.timed, &mut change.micros, execution.response_time_ms.map(micros));
        add(&mut change.counted, &mut change.tokens, execution.total_token_count.map(|tokens| tokens.clamp(0, MOST)));
        add(&mut change.priced, &mut change.picodollars, execution.cost_usd.map(Money::picodollars));
    }

    /// Makes the changes. The rows are taken in the order of their ids, so that two programs never wait for each other in a circle.
    pub(crate) async fn apply(mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        self.0.retain(|_, change| *change != Change::default());
        if self.0.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = self.0.keys().cloned().collect();
        let condition = format!("id{}", connection.in_list());
        lock(connection, &condition, Value::List(ids)).await?;
        let changes = serde_json::to_string(&self.0).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let sql = connection.change_statistics();
        connection.run(sql, vec![Value::Text(changes)]).await.map(|_| ())
    }
}

/// Whole microseconds, 0 to eleven days.
fn micros(millis: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation)] // within the range by then
    let micros = (millis * 1e3).round().clamp(0.0, MOST as f64) as i64;
    micros
}

/// Inside a transaction: keeps others from changing the versions of a prompt.
pub(crate) async fn lock_versions(connection: &mut Connection, registry_name: &str) -> Result<(), sqlx::Error> {
    lock(connection, "registry_name = $1", registry_name.into()).await
}

async fn lock(connection: &mut Connection, condition: &str, argument: Value) -> Result<(), sqlx::Error> {
    let sql = format!("SELECT id FROM prompt_templates WHERE {condition} ORDER BY id{}", connection.for_update());
    let column = [Column { name: "id", kind: Kind::Text }];
    connection.fetch(sql, vec![argument], &column).await.map(|_| ())
}
