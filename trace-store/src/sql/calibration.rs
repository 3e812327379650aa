//! What the checks of [`crate::calibrate`] rest on, read in the transaction that writes the runs.
//!
//! Comes in: runs about to be recorded, in the order of recording. Goes out: their flags. A run is compared with the complete runs that
//! were recorded before it and had ended by then. The writer has its turn (see [`super::turn`]), so these are exactly the rows with a lower
//! `write_order`: whoever reads them later finds what the flag rests on. Every read is by an index and limited, whatever the table holds.

use super::dialect::Connection;
use super::newest::{Newest, Past, Range};
use super::time;
use super::value::{Kind, Row, Value, row};
use crate::calibrate::{Before, Name, Pool, RunFigures, Verdict, check};
use crate::settings::CalibrationSettings;
use std::collections::HashMap;
use trace_core::model::{Status, Timestamp};

/// Of so many principles the past is remembered.
const PRINCIPLES: usize = 1_000;

/// So many runs that other writers recorded are read one by one; where there are more, the past is read anew, which is a window of runs and
/// one of moments for each principle.
const CAUGHT_UP: i64 = 10_000;

row! {
    /// A run as the checks see it.
    pub(crate) struct BasisRow in "traces", key [trace_id], keep [] {
        trace_id: String,
        project_id: String,
        intent: Option<String>,
        domain: Option<String>,
        status: String,
        completed_at: Option<Timestamp>,
        overall_quality_score: Option<f64>,
        quality_gate_passed: Option<bool>,
        gap_principles: Vec<String>,
    }
}

impl BasisRow {
    /// Its figures; a run that does not say when it ended has no place among the others.
    pub(super) fn into_figures(self) -> Option<RunFigures> {
        let group = |name: Option<String>| name.as_deref().filter(|name| !name.is_empty()).map(Name::from);
        Some(RunFigures {
            completed_at: time::micros(self.completed_at?),
            complete: self.status == Status::Complete.as_str(),
            trace_id: self.trace_id.into(),
            project_id: self.project_id.as_str().into(),
            intent: group(self.intent),
            domain: group(self.domain),
            score: self.overall_quality_score,
            passed: self.quality_gate_passed,
            gaps: self.gap_principles.into_iter().collect(),
        })
    }
}

/// A run to be checked, and what its project is called.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) run: RunFigures,
    pub(super) project: String,
}

/// What a writer remembers of the past from one batch to the next. What others recorded meanwhile is added.
#[derive(Debug, Default)]
pub(super) struct Memory {
    window: Newest<RunFigures>,
    /// The moments at which complete runs with a gap ended, by principle.
    gaps: HashMap<Name, Newest<i64>>,
    /// The names of runs.
    names: Pool,
    /// The number of the next trace, if this writer is the next to record one.
    next: i64,
}

impl Memory {
    /// Adds what was recorded since, or forgets everything: every run that was recorded, removed or written again has taken a number, so where
    /// each number since has a run, nothing else has changed.
    async fn refresh(&mut self, connection: &mut Connection, first: i64) -> Result<(), sqlx::Error> {
        let others = first.saturating_sub(self.next);
        if self.window.is_new() || !(0..=CAUGHT_UP).contains(&others) || self.gaps.len() > PRINCIPLES {
            *self = Self::default();
            return Ok(());
        }
        if others == 0 {
            return Ok(());
        }
        let columns = connection.selection(&BasisRow::TABLE);
        let sql =
            format!("SELECT {columns} FROM traces WHERE write_order >= $1 AND write_order < $2 ORDER BY write_order");
        let range = vec![Value::Int(self.next), Value::Int(first)];
        let rows = connection.fetch(sql, range, BasisRow::TABLE.columns).await?;
        if usize::try_from(others).ok() == Some(rows.len()) {
            let runs = rows.into_iter().filter_map(BasisRow::from_cells).filter_map(BasisRow::into_figures);
            for mut run in runs.filter(|run| run.complete) {
                run.share_names(&mut self.names);
                self.add(&run);
            }
        } else {
            *self = Self::default();
        }
        Ok(())
    }

    /// Adds a complete run that was recorded after all that is known.
    fn add(&mut self, run: &RunFigures) {
        self.window.add(run.clone());
        for gap in run.gaps.iter() {
            if let Some(newest) = self.gaps.get_mut(gap) {
                newest.add(run.completed_at);
            }
        }
    }

    fn trim(&mut self, enough: usize) {
        self.window.trim(enough);
        self.gaps.values_mut().for_each(|newest| newest.trim(enough));
    }
}

/// The flags of runs that are recorded now, in this order, with numbers from `first` on. `None` keeps the place of a run that is not checked.
pub(super) async fn flags(
    connection: &mut Connection,
    settings: &CalibrationSettings,
    memory: &mut Memory,
    first: i64,
    candidates: Vec<Option<Candidate>>,
) -> Result<Vec<Vec<Verdict>>, sqlx::Error> {
    memory.refresh(connection, first).await?;
    let mut history = History { connection, settings, batch: Vec::new(), memory };
    let mut all = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(Candidate { mut run, project }) = candidate else {
            all.push(Vec::new());
            continue;
        };
        run.share_names(&mut history.memory.names);
        all.push(if run.is_judged() { history.check(&run, &project).await? } else { Vec::new() });
        if run.complete {
            history.remember(&run);
        }
    }
    memory.trim(settings.window);
    memory.next = first.saturating_add(i64::try_from(all.len()).unwrap_or(i64::MAX));
    Ok(all)
}

/// What was recorded before: what the writer remembers, rows of the database, read when they are first needed, and runs of the same batch.
struct History<'a> {
    connection: &'a mut Connection,
    settings: &'a CalibrationSettings,
    /// Complete runs of this batch, in the order in which they are recorded.
    batch: Vec<RunFigures>,
    memory: &'a mut Memory,
}

impl History<'_> {
    async fn check(&mut self, run: &RunFigures, project: &str) -> Result<Vec<Verdict>, sqlx::Error> {
        let enough = self.enough();
        let range = Range { moment: run.completed_at, enough };
        let end = self.memory.window.find(self.connection, range, None, &self.batch).await?;
        let gaps = self.gap_counts(run, end).await?;
        let previous = self.previous(run, end).await?;
        let before =
            Before { window: self.memory.window.before(end, enough), gaps: &gaps, previous: previous.as_ref() };
        Ok(check(run, project, before, self.settings))
    }

    /// A run of the batch is before all that follow in it.
    fn remember(&mut self, run: &RunFigures) {
        self.batch.push(run.clone());
        self.memory.add(run);
    }

    /// How many runs of the window are before the one that is checked.
    fn enough(&self) -> usize {
        self.settings.window.saturating_sub(1)
    }

    /// How often each gap of a run was one in the last days, up to the window; sorted by name.
    async fn gap_counts(&mut self, run: &RunFigures, end: usize) -> Result<Vec<(Name, u64)>, sqlx::Error> {
        let since = run.completed_at.saturating_sub(self.settings.micros());
        let window = self.memory.window.before(end, self.enough());
        let reaches = window.len() < self.enough() || window.first().is_none_or(|oldest| oldest.completed_at <= since);
        let mut gaps: Vec<&Name> = run.gaps.iter().collect();
        gaps.sort_unstable_by_key(|gap| gap.as_str());
        gaps.dedup();
        let mut counts = Vec::with_capacity(gaps.len());
        for gap in gaps {
            let count = if reaches {
                let failed = |before: &&RunFigures| before.completed_at > since && before.gaps.contains(gap);
                self.memory.window.before(end, self.enough()).iter().filter(failed).count()
            } else {
                // More runs than the window holds: the moments of this gap alone reach further back.
                let range = Range { moment: run.completed_at, enough: self.settings.window };
                let ended = self.memory.gaps.entry(gap.clone()).or_default();
                let end = ended.find(self.connection, range, Some(gap), &self.batch).await?;
                ended.before(end, range.enough).iter().filter(|ended| **ended > since).count()
            };
            counts.push((gap.clone(), count as u64));
        }
        Ok(counts)
    }

    /// The project's newest complete run before this one, where that matters.
    async fn previous(&mut self, run: &RunFigures, end: usize) -> Result<Option<RunFigures>, sqlx::Error> {
        let window = self.memory.window.before(end, self.enough());
        let is_all = window.len() < self.enough();
        let previous = window.iter().rfind(|before| before.project_id == run.project_id).cloned();
        if previous.is_some() || is_all || run.passed != Some(false) {
            return Ok(previous);
        }
        let columns = self.connection.selection(&BasisRow::TABLE);
        let completed_at = self.connection.parameter(Kind::Time, 2);
        let sql = format!(
            "SELECT {columns} FROM traces WHERE project_id = $1 AND status = 'complete' AND completed_at <= {completed_at}
             ORDER BY traces.completed_at DESC, write_order DESC LIMIT 1"
        );
        let arguments = vec![run.project_id.as_str().into(), moment_cell(run.completed_at)];
        let rows = self.connection.fetch(sql, arguments, BasisRow::TABLE.columns).await?;
        let stored = rows.into_iter().next().and_then(RunFigures::of_cells);
        // The batch is in the order of ends, and of two that ended at once its own run is the newer.
        let own = self.batch.iter().rfind(|before| before.project_id == run.project_id).cloned();
        Ok(match (own, stored) {
            (Some(own), Some(stored)) if own.completed_at < stored.completed_at => Some(stored),
            (own, stored) => own.or(stored),
        })
    }
}

fn moment_cell(micros: i64) -> Value {
    Value::Text(time::fixed(Timestamp::from_nanos(i128::from(micros) * 1000)))
}
