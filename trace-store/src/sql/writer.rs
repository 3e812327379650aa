//! Writes traces: one transaction for a batch, and the same rows however often a trace is sent.
//!
//! Comes in: finished traces and a connection. Goes out: their rows. An older version of a trace (fewer late events) never replaces a newer one;
//! what reviewers wrote, human scores and resolved prompts stay when a trace is sent again.

use super::dialect::Connection;
use super::document;
use super::prompts::executions::{Ledger, is_loose};
use super::rows::{
    self, DecisionRow, DocumentRow, ExecutionRow, FlagRow, ObservationRow, ProjectRow, ScoreRow, StageRow, TraceRow,
};
use super::value::{Column, Kind, Row, Table, Value};
use std::collections::{BTreeMap, HashMap};
use trace_core::model::Timestamp;
use trace_core::registry::Registry;
use trace_core::sink::FinishedTrace;

/// Rows are handed to the database at the latest when this many bytes of them wait: a batch of large traces is never in memory whole.
const BUFFER: usize = 8 << 20;

/// What is removed before a trace is written again: these rows have no life of their own.
const REMOVE: [&str; 5] = [
    "DELETE FROM stages WHERE trace_id",
    "DELETE FROM decisions WHERE trace_id",
    "DELETE FROM observations WHERE trace_id",
    "DELETE FROM trace_documents WHERE trace_id",
    "DELETE FROM scores WHERE source = 'pipeline' AND trace_id",
];

/// Writes the traces in one transaction: all of them, or none.
pub(crate) async fn write(connection: &mut Connection, traces: &[FinishedTrace]) -> Result<(), sqlx::Error> {
    connection.begin().await?;
    let written = write_newest(connection, traces).await;
    match written {
        Ok(()) => connection.commit().await,
        Err(error) => {
            // The first error is the one that matters; a connection that cannot roll back refuses the next `BEGIN`, and is replaced.
            let _ = connection.rollback().await;
            Err(error)
        }
    }
}

/// Writes what the program declares: its components and decision points.
pub(crate) async fn write_declared(connection: &mut Connection, registry: &Registry) -> Result<(), sqlx::Error> {
    connection.begin().await?;
    let mut written = Ok(());
    for (table, rows) in rows::declared(registry, Timestamp::now()) {
        if written.is_ok() {
            written = connection.insert(table, rows).await;
        }
    }
    match written {
        Ok(()) => connection.commit().await,
        Err(error) => {
            let _ = connection.rollback().await;
            Err(error)
        }
    }
}

async fn write_newest(connection: &mut Connection, traces: &[FinishedTrace]) -> Result<(), sqlx::Error> {
    // In the order of their ids: new rows go to the end of every index.
    let mut newest: BTreeMap<String, &FinishedTrace> = BTreeMap::new();
    for finished in traces.iter().filter(|finished| !is_loose(finished)) {
        let held = newest.entry(rows::key(&finished.trace)).or_insert(finished);
        if version(finished) >= version(held) {
            *held = finished;
        }
    }
    let ids: Vec<String> = newest.keys().cloned().collect();
    connection.lock_traces(ids.clone()).await?;
    let stored = stored_versions(connection, ids).await?;
    newest.retain(|id, finished| stored.get(id).is_none_or(|stored| *stored <= version(finished)));
    let again: Vec<String> = newest.keys().filter(|id| stored.contains_key(*id)).cloned().collect();
    let batch = || newest.values().copied().chain(traces.iter().filter(|finished| is_loose(finished)));
    let mut ledger = Ledger::open(connection, batch(), again.clone()).await?;
    remove(connection, again).await?;
    insert(connection, batch(), &mut ledger).await?;
    ledger.close(connection).await
}

/// Which of two versions of a trace is the newer: the one to which more events came late.
fn version(finished: &FinishedTrace) -> i64 {
    i64::try_from(finished.trace.metadata.late_events).unwrap_or(i64::MAX)
}

async fn stored_versions(connection: &mut Connection, ids: Vec<String>) -> Result<HashMap<String, i64>, sqlx::Error> {
    let columns = [Column { name: "trace_id", kind: Kind::Text }, Column { name: "late_events", kind: Kind::Int }];
    let sql = format!("SELECT trace_id, late_events FROM traces WHERE trace_id{}", connection.in_list());
    let rows = connection.fetch(sql, vec![Value::List(ids)], &columns).await?;
    let pair = |row: Vec<Value>| match <[Value; 2]>::try_from(row) {
        Ok([Value::Text(id), Value::Int(version)]) => Some((id, version)),
        _ => None,
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

async fn remove(connection: &mut Connection, ids: Vec<String>) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    for delete in REMOVE {
        let sql = format!("{delete}{}", connection.in_list());
        connection.run(sql, vec![Value::List(ids.clone())]).await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut Connection,
    traces: impl Iterator<Item = &FinishedTrace>,
    ledger: &mut Ledger,
) -> Result<(), sqlx::Error> {
    let mut waiting = Waiting::default();
    let now = Timestamp::now();
    for finished in traces {
        waiting.add(finished, now, ledger);
        if waiting.bytes > BUFFER {
            waiting.flush(connection).await?;
        }
    }
    waiting.flush(connection).await
}

/// Rows on their way, table by table.
#[derive(Default)]
struct Waiting {
    projects: BTreeMap<String, ProjectRow>,
    tables: [Vec<Vec<Value>>; TABLES.len()],
    bytes: usize,
}

static PROJECTS: Table = ProjectRow::TABLE;
static TABLES: [Table; 8] = [
    TraceRow::TABLE,
    StageRow::TABLE,
    DecisionRow::TABLE,
    ObservationRow::TABLE,
    ScoreRow::TABLE,
    FlagRow::TABLE,
    ExecutionRow::TABLE,
    DocumentRow::TABLE,
];

impl Waiting {
    fn add(&mut self, finished: &FinishedTrace, now: Timestamp, ledger: &mut Ledger) {
        let mut rows = rows::project(finished, now);
        ledger.enter(&mut rows);
        self.push(6, rows.executions.into_iter().map(|execution| execution.row));
        if is_loose(finished) {
            return;
        }
        if finished.sampled {
            self.push(7, document::rows(finished, &rows.trace.trace_id));
        }
        self.projects.insert(rows.project.project_id.clone(), rows.project);
        self.push(0, [rows.trace]);
        self.push(1, rows.children.stages);
        self.push(2, rows.children.decisions);
        self.push(3, rows.children.observations);
        self.push(4, rows.children.scores);
        self.push(5, rows.flags);
    }

    fn push<R: Row>(&mut self, table: usize, rows: impl IntoIterator<Item = R>) {
        for row in rows {
            let cells = row.into_cells();
            self.bytes += cells.iter().map(Value::size).sum::<usize>();
            self.tables[table].push(cells);
        }
    }

    async fn flush(&mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let projects = std::mem::take(&mut self.projects).into_values().map(Row::into_cells).collect();
        connection.insert(&PROJECTS, projects).await?;
        for (table, rows) in TABLES.iter().zip(&mut self.tables) {
            connection.insert(table, std::mem::take(rows)).await?;
        }
        self.bytes = 0;
        Ok(())
    }
}
