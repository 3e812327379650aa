//! What single calls and stages contribute to the sums: the costs of prompts by day, and how long things took, by day and bucket.

use super::contribution::{DOLLAR, limited, micros};
use super::sums::Sums;
use crate::sql::dialect::Connection;
use crate::sql::rows::{ExecutionRow, StageRow};
use crate::sql::value::{Day, Row, Table, Value, row};
use crate::statistics::buckets::bucket;
use std::borrow::Cow;
use trace_core::model::{Money, Timestamp};

/// Rows read at once while everything is counted.
const PAGE: usize = 10_000;

/// What lasts, as `duration_rollups` calls it: a call made with a prompt, in milliseconds.
pub(crate) const PROMPT: &str = "prompt";

/// A stage, in seconds.
pub(crate) const STAGE: &str = "stage";

row! {
    /// A call made with a prompt, with the columns that count.
    pub(crate) struct CallRow in "prompt_executions", key [trace_id, id], keep [] {
        trace_id: String,
        id: String,
        template_name: String,
        executed_at: Timestamp,
        response_time_ms: Option<f64>,
        input_token_count: Option<i64>,
        output_token_count: Option<i64>,
        cost_usd: Option<Money>,
    }
}

row! {
    /// A stage, with the columns that count.
    pub(crate) struct TimedStageRow in "stages", key [trace_id, id], keep [] {
        trace_id: String,
        id: String,
        base_name: String,
        started_at: Option<Timestamp>,
        duration_seconds: Option<f64>,
    }
}

row! {
    /// Sums of the calls that were made with a prompt on one day.
    pub(crate) struct PromptDayRow<'a> in "prompt_rollups", key [day, prompt_name], adds {
        day: Day,
        prompt_name: Cow<'a, str>,
        calls: i64,
        priced_calls: i64,
        input_tokens: i64,
        output_tokens: i64,
        cost_dollars: i64,
        cost_picodollars: i64,
    }
}

row! {
    /// How many calls or stages of one name and day took about as long, and how long they took together, in millionths of their unit.
    struct DurationRow<'a> in "duration_rollups", key [day, kind, name, bucket], adds {
        day: Day,
        kind: Cow<'a, str>,
        name: Cow<'a, str>,
        bucket: i64,
        timed: i64,
        sum_micros: i64,
    }
}

impl<'a> DurationRow<'a> {
    fn of(kind: &'static str, name: &'a str, moment: Timestamp, duration: Option<f64>) -> Option<Self> {
        let micros = micros(duration?);
        Some(Self {
            day: Day::of(moment),
            kind: kind.into(),
            name: name.into(),
            bucket: bucket(micros),
            timed: 1,
            sum_micros: micros,
        })
    }
}

/// What counts of a call made with a prompt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) prompt: &'a str,
    pub(crate) executed_at: Timestamp,
    pub(crate) response_time_ms: Option<f64>,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) cost: Option<Money>,
}

impl<'a> Call<'a> {
    /// What it adds to the costs of its day.
    pub(crate) fn costs(self) -> PromptDayRow<'a> {
        let cost = self.cost.map(Money::picodollars);
        PromptDayRow {
            day: Day::of(self.executed_at),
            prompt_name: self.prompt.into(),
            calls: 1,
            priced_calls: i64::from(cost.is_some()),
            input_tokens: limited(self.input_tokens.unwrap_or(0)),
            output_tokens: limited(self.output_tokens.unwrap_or(0)),
            cost_dollars: cost.unwrap_or(0).div_euclid(DOLLAR),
            cost_picodollars: cost.unwrap_or(0).rem_euclid(DOLLAR),
        }
    }

    fn duration(self) -> Option<DurationRow<'a>> {
        DurationRow::of(PROMPT, self.prompt, self.executed_at, self.response_time_ms)
    }
}

/// Reads a [`Call`] from rows that have its columns, whatever else they have.
macro_rules! calls_of {
    ($($row:ty),*) => { $(
        impl<'a> From<&'a $row> for $crate::sql::rollups::Call<'a> {
            fn from(row: &'a $row) -> Self {
                Self {
                    prompt: &row.template_name,
                    executed_at: row.executed_at,
                    response_time_ms: row.response_time_ms,
                    input_tokens: row.input_token_count,
                    output_tokens: row.output_token_count,
                    cost: row.cost_usd,
                }
            }
        }
    )* };
}

pub(crate) use calls_of;

calls_of!(CallRow, ExecutionRow<'_>);

/// What counts of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedStage<'a> {
    name: &'a str,
    started_at: Option<Timestamp>,
    duration_seconds: Option<f64>,
}

impl<'a> TimedStage<'a> {
    /// A stage that does not say when it began is on no day.
    fn duration(self) -> Option<DurationRow<'a>> {
        DurationRow::of(STAGE, self.name, self.started_at?, self.duration_seconds)
    }
}

impl<'a> From<&'a TimedStageRow> for TimedStage<'a> {
    fn from(row: &'a TimedStageRow) -> Self {
        Self { name: &row.base_name, started_at: row.started_at, duration_seconds: row.duration_seconds }
    }
}

impl<'a> From<&'a StageRow<'_>> for TimedStage<'a> {
    fn from(row: &'a StageRow<'_>) -> Self {
        Self { name: &row.base_name, started_at: row.started_at, duration_seconds: row.duration_seconds }
    }
}

static COSTS: Table = PromptDayRow::TABLE;
static DURATIONS: Table = DurationRow::TABLE;

/// What a batch adds to these sums, and takes from them.
#[derive(Debug)]
pub(crate) struct CallSums {
    costs: Sums,
    durations: Sums,
}

impl CallSums {
    pub(super) fn new() -> Self {
        Self { costs: Sums::new(&COSTS), durations: Sums::new(&DURATIONS) }
    }

    /// A call as it is written now (`1`), or as it was written before (`-1`).
    pub(crate) fn call(&mut self, call: Call<'_>, sign: i64) {
        self.costs.add(&call.costs(), sign);
        call.duration().iter().for_each(|duration| self.durations.add(duration, sign));
    }

    /// A stage as it is written now, or as it was written before.
    pub(crate) fn stage(&mut self, stage: TimedStage<'_>, sign: i64) {
        stage.duration().iter().for_each(|duration| self.durations.add(duration, sign));
    }

    /// The stages of traces that are about to be removed or written again.
    pub(crate) async fn take_stages(
        &mut self,
        connection: &mut Connection,
        ids: Vec<String>,
    ) -> Result<(), sqlx::Error> {
        let stages = of_traces::<TimedStageRow>(connection, ids).await?;
        stages.iter().for_each(|stage| self.stage(stage.into(), -1));
        Ok(())
    }

    /// The calls of traces that are about to be removed.
    pub(crate) async fn take_calls(
        &mut self,
        connection: &mut Connection,
        ids: Vec<String>,
    ) -> Result<(), sqlx::Error> {
        let calls = of_traces::<CallRow>(connection, ids).await?;
        calls.iter().for_each(|call| self.call(call.into(), -1));
        Ok(())
    }

    /// Everything that is in the tables.
    pub(super) async fn count_all(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let mut last = (String::new(), String::new());
        while let Some(page) = page::<CallRow>(connection, &mut last).await? {
            page.iter().for_each(|call| self.call(call.into(), 1));
        }
        last = (String::new(), String::new());
        while let Some(page) = page::<TimedStageRow>(connection, &mut last).await? {
            page.iter().for_each(|stage| self.stage(stage.into(), 1));
        }
        Ok(())
    }

    pub(super) fn into_sums(self) -> [Sums; 2] {
        [self.costs, self.durations]
    }
}

async fn of_traces<R: Row>(connection: &mut Connection, ids: Vec<String>) -> Result<Vec<R>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let table = R::TABLE;
    let columns = connection.selection(&table);
    let sql = format!("SELECT {columns} FROM {} WHERE trace_id{}", table.name, connection.in_list());
    let rows = connection.fetch(sql, vec![Value::List(ids)], table.columns).await?;
    Ok(rows.into_iter().filter_map(R::from_cells).collect())
}

/// A row that is found by the ids of its trace and its own.
trait Keyed: Row {
    fn key(&self) -> (String, String);
}

impl Keyed for CallRow {
    fn key(&self) -> (String, String) {
        (self.trace_id.clone(), self.id.clone())
    }
}

impl Keyed for TimedStageRow {
    fn key(&self) -> (String, String) {
        (self.trace_id.clone(), self.id.clone())
    }
}

/// The rows after `last` in the order of their keys; `None` when there are no more.
async fn page<R: Keyed>(
    connection: &mut Connection,
    last: &mut (String, String),
) -> Result<Option<Vec<R>>, sqlx::Error> {
    let table = R::TABLE;
    let columns = connection.selection(&table);
    let sql = format!(
        "SELECT {columns} FROM {} WHERE (trace_id, id) > ($1, $2) ORDER BY trace_id, id LIMIT {PAGE}",
        table.name
    );
    let after = vec![Value::Text(last.0.clone()), Value::Text(last.1.clone())];
    let rows = connection.fetch(sql, after, table.columns).await?;
    let page: Vec<R> = rows.into_iter().filter_map(R::from_cells).collect();
    if let Some(row) = page.last() {
        *last = row.key();
    }
    Ok((!page.is_empty()).then_some(page))
}
