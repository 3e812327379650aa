//! Flags on their way into rows, and from there into documents.
//!
//! Comes in: a batch of traces that is being written. Goes out: rows of flags, and which flags the documents lack. A trace is checked when it is
//! written for the first time, and never again: sent again, it gets the flags that its rows have. The copy of a document in the database is
//! written before it is checked, so what was raised then is put into it when it is read.

use super::calibration::{self, BasisRow, Candidate, Memory};
use super::dialect::Connection;
use super::prompts::executions::Ledger;
use super::rollups::Rollups;
use super::rows::{Cleaner, FlagRow};
use super::value::{Json, Row, Value};
use super::waiting::Waiting;
use super::writer::{AllRaised, Raised, RunRows, flag_run};
use crate::calibrate::kind;
use crate::settings::CalibrationSettings;
use std::collections::BTreeMap;
use trace_core::model::{CalibrationFlag, Status, Trace};
use trace_core::sink::FinishedTrace;

/// Which flags the traces that are written again have in the database and lack in their documents. Such a trace is kept whole.
pub(super) async fn restore(
    connection: &mut Connection,
    again: &[String],
    traces: &mut BTreeMap<String, FinishedTrace>,
) -> Result<AllRaised, sqlx::Error> {
    let mut raised = AllRaised::new();
    if again.is_empty() {
        return Ok(raised);
    }
    let columns = connection.selection(&FlagRow::TABLE);
    let sql =
        format!("SELECT {columns} FROM calibration_flags WHERE trace_id{} ORDER BY trace_id, id", connection.in_list());
    let rows = connection.fetch(sql, vec![Value::List(again.to_vec())], FlagRow::TABLE.columns).await?;
    for row in rows.into_iter().filter_map(FlagRow::from_cells) {
        let Some(finished) = traces.get_mut(&row.trace_id) else { continue };
        let trace_id = row.trace_id.clone();
        let flag = of_row(row);
        if !has(&finished.trace, &flag) {
            finished.sampled = true;
            raised.entry(trace_id).or_default().flags.push(flag);
        }
    }
    Ok(raised)
}

/// Checks the runs that were not `known` before, and writes what their flags change. `runs` are in the order of recording, from `first` on.
pub(super) async fn check(
    connection: &mut Connection,
    (settings, memory): (&CalibrationSettings, &mut Memory),
    first: i64,
    runs: &mut [RunRows<'_>],
    known: impl Fn(&str) -> bool,
    ledger: &Ledger,
    rollups: &mut Rollups,
) -> Result<AllRaised, sqlx::Error> {
    let candidates: Vec<Option<Candidate>> = runs.iter().map(|run| candidate(run, &known)).collect();
    let verdicts = calibration::flags(connection, settings, memory, first, candidates).await?;
    let mut raised = AllRaised::new();
    let mut waiting = Waiting::new(connection);
    for (run, verdicts) in runs.iter_mut().zip(verdicts) {
        let is_new = |flag: &CalibrationFlag| !has(&run.finished.trace, flag);
        let (flags, bases): (Vec<_>, Vec<_>) =
            verdicts.into_iter().filter(|v| is_new(&v.flag)).map(|v| (v.flag, Json(v.basis.to_string()))).unzip();
        if flags.is_empty() {
            continue;
        }
        flag_run(run, &flags, ledger, rollups, &mut waiting)?;
        waiting.flush_if_full(connection).await?;
        let new = run.flags.len().saturating_sub(flags.len());
        for (row, basis) in run.flags[new..].iter_mut().zip(bases) {
            row.basis = Some(basis);
        }
        raised.insert(run.trace.trace_id.clone(), Raised { flags, new: true });
    }
    waiting.flush(connection).await?;
    Ok(raised)
}

/// What is to be checked of a run: that it is new, has ended, and says when.
fn candidate(run: &RunRows<'_>, known: impl Fn(&str) -> bool) -> Option<Candidate> {
    let row = &run.trace;
    if known(&row.trace_id) || row.status == Status::InProgress.as_str() {
        return None;
    }
    let basis = BasisRow {
        trace_id: row.trace_id.clone(),
        project_id: row.project_id.clone(),
        intent: row.intent.clone(),
        domain: row.domain.clone(),
        status: row.status.clone(),
        completed_at: row.completed_at,
        overall_quality_score: row.overall_quality_score,
        quality_gate_passed: row.quality_gate_passed,
        gap_principles: row.gap_principles.clone(),
    };
    let name = &run.project.name;
    let project = if name.is_empty() { row.project_id.clone() } else { name.clone() };
    Some(Candidate { run: basis.into_figures()?, project })
}

/// Completes the copy of a document by the flags that it lacks, in the order in which the checks raise them.
pub(crate) fn complete(trace: &mut Trace, mut rows: Vec<FlagRow>) {
    const ORDER: [&str; 4] = [
        kind::REPEATED_PRINCIPLE_FAILURE,
        kind::INTENT_DISPARITY,
        kind::DOMAIN_DISPARITY,
        kind::QUALITY_GATE_REGRESSION,
    ];
    rows.sort_by_cached_key(|row| (ORDER.iter().position(|kind| *kind == row.kind), row.message.clone()));
    let lacked: Vec<_> = rows.into_iter().map(of_row).filter(|flag| !has(trace, flag)).collect();
    trace.calibration_flags.extend(lacked);
}

/// Whether a document shows a flag, as it is or as a row can hold it.
fn has(trace: &Trace, flag: &CalibrationFlag) -> bool {
    let mut clean = Cleaner::default();
    let mut is_same = |own: &CalibrationFlag| {
        (own.kind == flag.kind || clean.name(&own.kind) == flag.kind)
            && (own.message == flag.message || clean.text(&own.message) == flag.message)
    };
    trace.calibration_flags.iter().any(&mut is_same)
}

fn of_row(row: FlagRow) -> CalibrationFlag {
    CalibrationFlag {
        kind: row.kind,
        message: row.message,
        n: row.n.unsigned_abs(),
        effect: row.effect,
        interval: row.interval_low.zip(row.interval_high),
        thin: row.thin,
        ..CalibrationFlag::default()
    }
}
