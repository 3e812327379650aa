//! Sums by day, kept beside the traces: what summaries of any stretch of time are made of, however many traces there are.
//!
//! Comes in: the rows of traces before and after a batch was written. Goes out: one sorted upsert for each table of sums, in the
//! batch's own transaction: what the new rows contribute less what the old ones did, so a trace that is sent twice counts once. All sums
//! are integers, so adding and taking away gives bit for bit what counting anew gives; [`rebuild`] counts anew, [`differences`] compares.

mod calls;
mod contribution;
mod sums;

pub(crate) use calls::{Call, CallRow, CallSums, PROMPT, PromptDayRow, STAGE, calls_of};
pub(crate) use contribution::{CountedRow, micros};
pub use sums::RollupDifference;

use super::dialect::Connection;
use super::value::{Kind, Row, Table, Value};
use super::waiting::{ByHow, How};
use contribution::GapRow;
pub(crate) use contribution::{DailyRow, PrincipleRow};
use std::collections::BTreeSet;
use sums::Sums;

/// Traces read at once while everything is counted.
const PAGE: usize = 2_000;

static DAILY: Table = DailyRow::TABLE;
static PRINCIPLES: Table = PrincipleRow::TABLE;

/// What a batch of traces adds to the sums, and takes from them.
#[derive(Debug)]
pub(super) struct Rollups {
    daily: Sums,
    principles: Sums,
    /// What single calls and stages add.
    pub(crate) calls: CallSums,
    gaps: BTreeSet<GapRow>,
    gone: BTreeSet<GapRow>,
}

impl Rollups {
    pub(super) fn new() -> Self {
        Self {
            daily: Sums::new(&DAILY),
            principles: Sums::new(&PRINCIPLES),
            calls: CallSums::new(),
            gaps: BTreeSet::new(),
            gone: BTreeSet::new(),
        }
    }

    /// A trace as it is written now.
    pub(super) fn plus(&mut self, row: &CountedRow<'_>) {
        self.count(row, 1);
        self.gaps.extend(row.gaps());
    }

    /// A trace as it was written before.
    pub(super) fn minus(&mut self, row: &CountedRow<'_>) {
        self.count(row, -1);
        self.gone.extend(row.gaps());
    }

    fn count(&mut self, row: &CountedRow<'_>, sign: i64) {
        self.daily.add(&row.daily(), sign);
        row.principles().iter().for_each(|principle| self.principles.add(principle, sign));
    }

    /// Writes it; `how` is said of gaps that are not there, as far as is known. All writers do so after they took their turn (see
    /// [`super::turn`]), so none waits for another in a circle.
    pub(super) async fn apply(self, connection: &mut Connection, how: How) -> Result<(), sqlx::Error> {
        let Self { daily, principles, calls, gaps, gone } = self;
        for sums in [daily, principles].into_iter().chain(calls.into_sums()) {
            sums.apply(connection).await?;
        }
        for gone in gone.difference(&gaps) {
            remove_gap(connection, gone).await?;
        }
        // What was there before is there still.
        insert_gaps(connection, how, gaps.into_iter().filter(|gap| !gone.contains(gap))).await
    }
}

async fn insert_gaps(
    connection: &mut Connection,
    how: How,
    gaps: impl Iterator<Item = GapRow>,
) -> Result<(), sqlx::Error> {
    let mut rows = ByHow::new(connection);
    rows.append(how, gaps.collect())?;
    rows.flush(connection).await
}

async fn remove_gap(connection: &mut Connection, gap: &GapRow) -> Result<(), sqlx::Error> {
    let at = connection.parameter(Kind::Time, 2);
    let sql = format!("DELETE FROM principle_gaps WHERE principle_id = $1 AND completed_at = {at} AND trace_id = $3");
    connection.run(sql, gap.clone().into_cells()).await.map(|_| ())
}

/// The rows of traces that are about to be written again, as they count now.
pub(super) async fn counted(
    connection: &mut Connection,
    ids: Vec<String>,
) -> Result<Vec<CountedRow<'static>>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let columns = connection.selection(&CountedRow::TABLE);
    let sql = format!("SELECT {columns} FROM traces WHERE trace_id{}", connection.in_list());
    let rows = connection.fetch(sql, vec![Value::List(ids)], CountedRow::TABLE.columns).await?;
    Ok(rows.into_iter().filter_map(CountedRow::from_cells).collect())
}

/// Counts all traces anew, and puts that in the place of what is there. Inside a transaction; other writers wait for its end.
pub(super) async fn rebuild(connection: &mut Connection) -> Result<(), sqlx::Error> {
    super::turn::take(connection, 0).await?;
    for table in ["daily_rollups", "principle_rollups", "prompt_rollups", "duration_rollups", "principle_gaps"] {
        connection.run(format!("DELETE FROM {table}"), Vec::new()).await?;
    }
    let mut rollups = Rollups::new();
    let mut last = None;
    while let Some(page) = page(connection, &mut last).await? {
        page.iter().for_each(|row| rollups.plus(row));
        insert_gaps(connection, How::Fast, std::mem::take(&mut rollups.gaps).into_iter()).await?;
    }
    rollups.calls.count_all(connection).await?;
    rollups.apply(connection, How::Fast).await
}

/// Counts all traces anew, and says where that differs from what is there. Inside a transaction that sees one state.
pub(super) async fn differences(connection: &mut Connection) -> Result<Vec<RollupDifference>, sqlx::Error> {
    let mut rollups = Rollups::new();
    let mut last = None;
    while let Some(page) = page(connection, &mut last).await? {
        page.iter().for_each(|row| rollups.plus(row));
        rollups.gaps.clear();
    }
    rollups.calls.count_all(connection).await?;
    let mut differences = Vec::new();
    for sums in [rollups.daily, rollups.principles].into_iter().chain(rollups.calls.into_sums()) {
        differences.extend(sums.differences(connection).await?);
    }
    Ok(differences)
}

/// The traces after `last` in the order of their ids; `None` when there are no more.
async fn page(
    connection: &mut Connection,
    last: &mut Option<String>,
) -> Result<Option<Vec<CountedRow<'static>>>, sqlx::Error> {
    let columns = connection.selection(&CountedRow::TABLE);
    let sql = format!("SELECT {columns} FROM traces WHERE trace_id > $1 ORDER BY trace_id LIMIT {PAGE}");
    let after = last.clone().unwrap_or_default();
    let rows = connection.fetch(sql, vec![Value::Text(after)], CountedRow::TABLE.columns).await?;
    let page: Vec<CountedRow<'_>> = rows.into_iter().filter_map(CountedRow::from_cells).collect();
    *last = page.last().map(|row| row.trace_id.to_string());
    Ok((!page.is_empty()).then_some(page))
}
