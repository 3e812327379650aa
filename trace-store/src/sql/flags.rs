//! Flags on their way into rows and documents.
//!
//! Comes in: a batch of traces that is being written. Goes out: the same traces with their flags. A trace is checked when it is written for
//! the first time, and never again: sent again, it gets the flags that its rows have.

use super::calibration::{self, BasisRow, Candidate, Memory};
use super::dialect::Connection;
use super::prompts::executions::Ledger;
use super::rows::FlagRow;
use super::value::{Json, Row, Value};
use super::writer::{AllRaised, Raised, RunRows, Waiting, flag_run};
use crate::settings::CalibrationSettings;
use std::collections::BTreeMap;
use std::sync::Arc;
use trace_core::model::{CalibrationFlag, Status};
use trace_core::sink::FinishedTrace;

/// Gives traces that are written again the flags that they have in the database and lack in their documents, and says which.
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
        if !finished.trace.calibration_flags.iter().any(|own| is_same(own, &flag)) {
            add(finished, flag.clone());
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
    runs: &mut [RunRows],
    traces: &BTreeMap<String, FinishedTrace>,
    known: impl Fn(&str) -> bool,
    ledger: &Ledger,
) -> Result<AllRaised, sqlx::Error> {
    let candidates: Vec<Option<Candidate>> = runs.iter().map(|run| candidate(run, &known)).collect();
    let verdicts = calibration::flags(connection, settings, memory, first, &candidates).await?;
    let mut raised = AllRaised::new();
    let mut waiting = Waiting::default();
    for (run, verdicts) in runs.iter_mut().zip(verdicts) {
        let id = run.trace.trace_id.clone();
        let Some(finished) = traces.get(&id) else { continue };
        let mut flagged = finished.clone();
        let had = finished.trace.calibration_flags.len();
        let is_new = |flag: &CalibrationFlag| !finished.trace.calibration_flags.iter().any(|own| is_same(own, flag));
        let (flags, bases): (Vec<_>, Vec<_>) =
            verdicts.into_iter().filter(|v| is_new(&v.flag)).map(|v| (v.flag, Json(v.basis.to_string()))).unzip();
        if flags.is_empty() {
            continue;
        }
        flags.iter().for_each(|flag| add(&mut flagged, flag.clone()));
        flag_run(run, flagged, ledger, &mut waiting);
        waiting.flush_if_full(connection).await?;
        for (row, basis) in run.flags.iter_mut().skip(had).zip(bases) {
            row.basis = Some(basis);
        }
        raised.insert(id, Raised { flags, new: true });
    }
    waiting.flush(connection).await?;
    Ok(raised)
}

/// What is to be checked of a run: that it is new, has ended, and says when.
fn candidate(run: &RunRows, known: impl Fn(&str) -> bool) -> Option<Candidate> {
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

/// Adds a flag to the document. A flagged trace is kept whole.
fn add(finished: &mut FinishedTrace, flag: CalibrationFlag) {
    Arc::make_mut(&mut finished.trace).calibration_flags.push(flag);
    finished.sampled = true;
}

/// Whether two flags say the same.
fn is_same(a: &CalibrationFlag, b: &CalibrationFlag) -> bool {
    a.kind == b.kind && a.message == b.message
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
