//! The projection of a document to rows: the one place that decides which fact stands in which column.
//!
//! Comes in: a finished trace. Goes out: plain rows for both databases. A value that no column can hold is changed or left out, and
//! counted in `traces.warning_count`; a malformed document (ids missing or doubled) still makes rows with proper keys.

mod children;
mod clean;
mod declared;
mod executions;
mod figures;
mod run;
mod tables;

pub(crate) use declared::{ComponentRow, DecisionPointRow, declared};
pub(crate) use executions::Execution;
pub use tables::TraceRow;
pub(crate) use tables::{
    DecisionRow, DocumentRow, ExecutionRow, FlagRow, ObservationRow, ProjectRow, ScoreRow, StageRow,
};

use crate::files::document_path;
pub(crate) use clean::Cleaner;
use std::borrow::Cow;
use trace_core::model::{CalibrationFlag, Timestamp, Trace};
use trace_core::sink::FinishedTrace;

/// All rows of one trace but those of its document.
#[derive(Debug)]
pub(crate) struct TraceRows<'a> {
    pub(crate) trace: TraceRow,
    pub(crate) project: ProjectRow,
    pub(crate) flags: Vec<FlagRow>,
    pub(crate) executions: Vec<Execution<'a>>,
    /// Empty for a trace that sampling left out.
    pub(crate) children: ChildRows<'a>,
}

/// The rows that sampling can leave out.
#[derive(Debug, Default)]
pub(crate) struct ChildRows<'a> {
    pub(crate) stages: Vec<StageRow<'a>>,
    pub(crate) decisions: Vec<DecisionRow<'a>>,
    pub(crate) observations: Vec<ObservationRow<'a>>,
    pub(crate) scores: Vec<ScoreRow<'a>>,
}

/// Projects a trace, of which everything is kept if it is `sampled`; `now` becomes the time of writing.
pub(crate) fn project(finished: &FinishedTrace, sampled: bool, now: Timestamp) -> TraceRows<'_> {
    let trace = &*finished.trace;
    let mut clean = Cleaner::default();
    let about = About { trace_id: clean.name(&trace.trace_id), trace, now };
    let executions = executions::of(&about, &mut clean);
    let flags = children::flags(&about, &trace.calibration_flags, &mut clean);
    let children = if sampled { children::of(&about, &mut clean) } else { ChildRows::default() };
    let document = finished.project_dir.as_deref().filter(|_| sampled);
    let mut row = run::row(&about, &mut clean, document.and_then(|folder| document_path(folder, &trace.trace_id).ok()));
    row.sampled = sampled;
    row.warning_count = clean.count(trace.warnings.len() as u64).saturating_add(clean.changed);
    let project = ProjectRow {
        project_id: row.project_id.clone(),
        name: clean.name(&trace.project_name).into(),
        created_at: now,
    };
    TraceRows { trace: row, project, flags, executions, children }
}

/// The rows of a trace's flags: those of its document, and after them those `raised` now.
pub(crate) fn flags(finished: &FinishedTrace, raised: &[CalibrationFlag], now: Timestamp) -> Vec<FlagRow> {
    let trace = &*finished.trace;
    let mut clean = Cleaner::default();
    let about = About { trace_id: clean.name(&trace.trace_id), trace, now };
    children::flags(&about, trace.calibration_flags.iter().chain(raised), &mut clean)
}

/// What a trace is called in every row: its id, made fit for a key.
pub(crate) fn key(trace: &Trace) -> String {
    Cleaner::default().name(&trace.trace_id).into()
}

/// What all rows of a trace are made of.
struct About<'a> {
    trace_id: Cow<'a, str>,
    trace: &'a Trace,
    now: Timestamp,
}
