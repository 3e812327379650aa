//! Writes traces: one transaction for a batch, and the same rows however often a trace is sent.
//!
//! Comes in: finished traces and a connection. Goes out: their rows. An older version of a trace (fewer late events) never replaces a newer one;
//! what reviewers wrote, human scores and resolved prompts stay when a trace is sent again.

use super::calibration::Memory;
use super::dialect::Connection;
use super::document::Packer;
use super::flags;
use super::prompts::executions::{Ledger, is_loose};
use super::rollups::{self, CountedRow, Rollups};
use super::rows::{self, FlagRow, ProjectRow, TraceRow, TraceRows};
use super::time;
use super::turn;
use super::value::{Column, Kind, Value};
use super::waiting::{How, Waiting};
use crate::settings::CalibrationSettings;
use std::collections::{BTreeMap, HashMap};
use trace_core::model::{CalibrationFlag, Timestamp};
use trace_core::registry::Registry;
use trace_core::sink::FinishedTrace;

/// What is removed before a trace is written again: these rows have no life of their own.
const REMOVE: [&str; 5] = [
    "DELETE FROM stages WHERE trace_id",
    "DELETE FROM decisions WHERE trace_id",
    "DELETE FROM observations WHERE trace_id",
    "DELETE FROM trace_documents WHERE trace_id",
    "DELETE FROM scores WHERE source = 'pipeline' AND trace_id",
];

/// What else goes when a trace goes for good.
const REMOVE_FOR_GOOD: [&str; 4] = [
    "DELETE FROM scores WHERE trace_id",
    "DELETE FROM calibration_flags WHERE trace_id",
    "DELETE FROM prompt_executions WHERE trace_id",
    "DELETE FROM traces WHERE trace_id",
];

/// What was found out about a trace while it was written.
#[derive(Debug, Default)]
pub(crate) struct Raised {
    /// The flags that its document does not show yet.
    pub(crate) flags: Vec<CalibrationFlag>,
    /// Whether they were raised just now, and not when it was written for the first time.
    pub(crate) new: bool,
}

/// What was found out about the traces of a batch, by [`rows::key`]; of most of them nothing.
pub(crate) type AllRaised = HashMap<String, Raised>;

/// How a writer checks what it writes.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// When runs are flagged; `None`: they are not checked.
    pub(crate) settings: Option<CalibrationSettings>,
    memory: Memory,
}

impl Checks {
    pub(crate) fn new(settings: Option<CalibrationSettings>) -> Self {
        Self { settings, memory: Memory::default() }
    }
}

/// Writes the traces in one transaction: all of them, or none. It checks those that the database has not seen before.
pub(crate) async fn write(
    connection: &mut Connection,
    traces: &[FinishedTrace],
    checks: &mut Checks,
) -> Result<AllRaised, sqlx::Error> {
    match write_once(connection, traces, checks, How::Fast).await {
        // Rows that nobody knows a trace of, left by another program perhaps: they are replaced.
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            write_once(connection, traces, checks, How::Upsert).await
        }
        done => done,
    }
}

async fn write_once(
    connection: &mut Connection,
    traces: &[FinishedTrace],
    checks: &mut Checks,
    how: How,
) -> Result<AllRaised, sqlx::Error> {
    // What is remembered of a batch holds only if the batch is committed.
    let mut memory = std::mem::take(&mut checks.memory);
    let settings = checks.settings;
    let work = async |connection: &mut Connection| {
        write_newest(connection, traces, settings.as_ref().map(|settings| (settings, &mut memory)), how).await
    };
    let raised = connection.in_transaction(work).await?;
    checks.memory = memory;
    Ok(raised)
}

/// Writes what the program declares: its components and decision points.
pub(crate) async fn write_declared(connection: &mut Connection, registry: &Registry) -> Result<(), sqlx::Error> {
    let declared = rows::declared(registry, Timestamp::now());
    let write = async |connection: &mut Connection| {
        for (table, rows) in declared {
            connection.insert(table, rows).await?;
        }
        Ok(())
    };
    connection.in_transaction(write).await
}

async fn write_newest(
    connection: &mut Connection,
    traces: &[FinishedTrace],
    checks: Option<(&CalibrationSettings, &mut Memory)>,
    how: How,
) -> Result<AllRaised, sqlx::Error> {
    // In the order of their ids: new rows go to the end of every index.
    let mut newest: BTreeMap<String, FinishedTrace> = BTreeMap::new();
    for finished in traces.iter().filter(|finished| !is_loose(finished)) {
        let held = newest.entry(rows::key(&finished.trace)).or_insert_with(|| finished.clone());
        if version(finished) >= version(held) {
            *held = finished.clone();
        }
    }
    let ids: Vec<String> = newest.keys().cloned().collect();
    connection.lock_traces(ids.clone()).await?;
    let stored = stored_versions(connection, ids).await?;
    newest.retain(|id, finished| stored.get(id).is_none_or(|stored| *stored <= version(finished)));
    // Rows may be there of a trace that is not.
    let is_stored = |id: &str| how == How::Upsert || stored.contains_key(id);
    let again: Vec<String> = newest.keys().filter(|id| is_stored(id)).cloned().collect();
    let mut raised = flags::restore(connection, &again, &mut newest).await?;
    let mut rollups = Rollups::new();
    rollups::counted(connection, again.clone()).await?.iter().for_each(|row| rollups.minus(row));
    let batch = || newest.values().chain(traces.iter().filter(|finished| is_loose(finished)));
    let mut ledger = Ledger::open(connection, batch(), again.clone()).await?;
    rollups.calls.take_stages(connection, again.clone()).await?;
    remove(connection, again.clone()).await?;
    let how_of = |id: &str| if is_stored(id) { How::Upsert } else { How::Fast };
    let mut runs = insert_children(connection, batch(), &mut ledger, &mut rollups, how_of).await?;
    // From here on it is this writer's turn.
    let first = turn::take(connection, runs.len()).await?;
    if let Some((settings, memory)) = checks {
        if !again.is_empty() {
            // Their rows change, and with them what is remembered.
            *memory = Memory::default();
        }
        let known = |id: &str| stored.contains_key(id);
        let history = (settings, &mut *memory);
        raised.extend(flags::check(connection, history, first, &mut runs, known, &ledger, &mut rollups).await?);
        if !again.is_empty() {
            *memory = Memory::default();
        }
    }
    insert_runs(connection, runs, first, rollups, how).await?;
    ledger.close(connection).await?;
    Ok(raised)
}

/// Removes every row of these traces, and what they add to the daily sums, in one transaction; how many traces there were. The statistics of
/// prompts stay: they tell what happened.
pub(crate) async fn delete(connection: &mut Connection, ids: Vec<String>) -> Result<u64, sqlx::Error> {
    connection.in_transaction(async |connection| delete_now(connection, ids).await).await
}

async fn delete_now(connection: &mut Connection, ids: Vec<String>) -> Result<u64, sqlx::Error> {
    connection.lock_traces(ids.clone()).await?;
    let mut rollups = Rollups::new();
    rollups::counted(connection, ids.clone()).await?.iter().for_each(|row| rollups.minus(row));
    rollups.calls.take_stages(connection, ids.clone()).await?;
    rollups.calls.take_calls(connection, ids.clone()).await?;
    remove(connection, ids.clone()).await?;
    let mut traces = 0;
    for delete in REMOVE_FOR_GOOD {
        let sql = format!("{delete}{}", connection.in_list());
        traces = connection.run(sql, vec![Value::List(ids.clone())]).await?;
    }
    // A number of its own: whoever remembers the past sees that it changed.
    turn::take(connection, 1).await?;
    rollups.apply(connection, How::Upsert).await?;
    Ok(traces)
}

/// Which of two versions of a trace is the newer: the one to which more events came late.
fn version(finished: &FinishedTrace) -> i64 {
    i64::try_from(finished.trace.metadata.late_events).unwrap_or(i64::MAX)
}

/// The versions of those of these traces that have rows.
pub(super) async fn stored_versions(
    connection: &mut Connection,
    ids: Vec<String>,
) -> Result<HashMap<String, i64>, sqlx::Error> {
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

/// What is written of a run once it is the writer's turn: rows that lists read, and sums that traces share.
#[derive(Debug)]
pub(super) struct RunRows<'a> {
    pub(super) trace: TraceRow,
    pub(super) project: ProjectRow,
    pub(super) flags: Vec<FlagRow>,
    /// What it is made of.
    pub(super) finished: &'a FinishedTrace,
    how: How,
}

/// Writes everything below the runs, and executions outside of any; the runs, in the order in which they ended.
async fn insert_children<'a>(
    connection: &mut Connection,
    traces: impl Iterator<Item = &'a FinishedTrace>,
    ledger: &mut Ledger,
    rollups: &mut Rollups,
    how_of: impl Fn(&str) -> How,
) -> Result<Vec<RunRows<'a>>, sqlx::Error> {
    let (mut waiting, mut packer) = (Waiting::new(connection), Packer::default());
    let mut runs = Vec::new();
    let now = Timestamp::now();
    for finished in traces {
        let mut rows = rows::project(finished, finished.sampled, now);
        ledger.enter(&mut rows, &mut rollups.calls);
        let TraceRows { trace, project, flags, executions, children } = rows;
        let loose = is_loose(finished);
        let how = if loose { How::Upsert } else { how_of(&trace.trace_id) };
        waiting.executions.append(how, executions.into_iter().map(|execution| execution.row).collect())?;
        if loose {
            continue;
        }
        if finished.sampled {
            waiting.documents.append(how, packer.pack(finished, &trace.trace_id))?;
        }
        waiting.append_children(how, children, rollups)?;
        runs.push(RunRows { trace, project, flags, finished, how });
        waiting.flush_if_full(connection).await?;
    }
    waiting.flush(connection).await?;
    let ended = |run: &RunRows<'_>| run.trace.completed_at.map(time::micros);
    runs.sort_by(|a, b| (ended(a), &a.trace.trace_id).cmp(&(ended(b), &b.trace.trace_id)));
    Ok(runs)
}

/// Takes flags that were raised now into what is written of a run, and into `waiting` what sampling had left out.
pub(super) fn flag_run<'a>(
    run: &mut RunRows<'a>,
    raised: &[CalibrationFlag],
    ledger: &Ledger,
    rollups: &mut Rollups,
    waiting: &mut Waiting<'a>,
) -> Result<(), sqlx::Error> {
    let now = Timestamp::now();
    if !run.trace.sampled {
        let mut rows = rows::project(run.finished, true, now);
        ledger.link(&mut rows);
        run.trace = rows.trace;
        waiting.documents.append(run.how, Packer::default().pack(run.finished, &run.trace.trace_id))?;
        waiting.append_children(run.how, rows.children, rollups)?;
    }
    run.flags = rows::flags(run.finished, raised, now);
    run.trace.flagged_for_review |= run.flags.iter().any(|flag| !flag.thin);
    Ok(())
}

/// Writes the runs themselves, with their numbers from `first` on, and what they add to the sums.
async fn insert_runs(
    connection: &mut Connection,
    runs: Vec<RunRows<'_>>,
    first: i64,
    mut rollups: Rollups,
    how: How,
) -> Result<(), sqlx::Error> {
    let mut waiting = Waiting::new(connection);
    let mut projects = BTreeMap::new();
    for (mut run, number) in runs.into_iter().zip(first..) {
        run.trace.write_order = Some(number);
        rollups.plus(&CountedRow::from(&run.trace));
        projects.insert(run.project.project_id.clone(), run.project);
        waiting.traces.append(run.how, vec![run.trace])?;
        waiting.flags.append(run.how, run.flags)?;
        waiting.flush_if_full(connection).await?;
    }
    waiting.flush(connection).await?;
    connection.insert_rows(projects.into_values()).await?;
    rollups.apply(connection, how).await
}
