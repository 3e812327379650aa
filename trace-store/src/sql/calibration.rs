//! What the checks of [`crate::calibrate`] rest on, read in the transaction that writes the runs.
//!
//! Comes in: runs about to be recorded, in the order of recording. Goes out: their flags. A run is compared with the complete runs that
//! were recorded before it and had ended by then. The writer has its turn (see [`super::turn`]), so these are exactly the rows with a lower
//! `write_order`: whoever reads them later finds what the flag rests on. Every read is by an index and limited, whatever the table holds.

use super::dialect::Connection;
use super::time;
use super::value::{Column, Kind, Row, Table, Value, row};
use crate::calibrate::{Before, RunFigures, Verdict, check};
use crate::settings::CalibrationSettings;
use std::collections::HashMap;
use trace_core::model::{Status, Timestamp};

/// Rows read beyond the window, for the runs of a batch that ended one after the other.
const BEYOND: usize = 256;

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
        Some(RunFigures {
            completed_at: time::micros(self.completed_at?),
            complete: self.status == Status::Complete.as_str(),
            trace_id: self.trace_id,
            project_id: self.project_id,
            intent: self.intent,
            domain: self.domain,
            score: self.overall_quality_score,
            passed: self.quality_gate_passed,
            gaps: self.gap_principles,
        })
    }
}

/// A run to be checked, and what its project is called.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) run: RunFigures,
    pub(super) project: String,
}

/// The flags of runs that are recorded now, in this order, after all that the database has. `None` keeps the place of a run that is not
/// checked.
pub(super) async fn flags(
    connection: &mut Connection,
    settings: &CalibrationSettings,
    candidates: &[Option<Candidate>],
) -> Result<Vec<Vec<Verdict>>, sqlx::Error> {
    let Some(until) = candidates.iter().flatten().map(|candidate| candidate.run.completed_at).max() else {
        return Ok(candidates.iter().map(|_| Vec::new()).collect());
    };
    let mut history = History { connection, settings, batch: Vec::new(), window: None, gaps: HashMap::new(), until };
    let mut all = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(Candidate { run, project }) = candidate else {
            all.push(Vec::new());
            continue;
        };
        all.push(if run.is_judged() { history.check(run, project).await? } else { Vec::new() });
        if run.complete {
            history.remember(run);
        }
    }
    Ok(all)
}

/// What was recorded before: rows of the database, read when they are first needed, and runs of the same batch.
struct History<'a> {
    connection: &'a mut Connection,
    settings: &'a CalibrationSettings,
    /// Complete runs of this batch, in the order in which they are recorded.
    batch: Vec<RunFigures>,
    window: Option<Newest<RunFigures>>,
    /// The moments at which complete runs with a gap ended, by principle.
    gaps: HashMap<String, Newest<i64>>,
    /// The end of the batch's last run.
    until: i64,
}

/// Something of the newest complete runs that had ended by `until`, newest first.
struct Newest<T> {
    rows: Vec<T>,
    until: i64,
    /// Whether there are no older ones.
    all: bool,
}

impl<T> Newest<T> {
    /// Where the rows begin that had ended by then, if they are enough.
    fn by(&self, moment: i64, enough: usize, ended: impl Fn(&T) -> i64) -> Option<usize> {
        let start = self.rows.partition_point(|row| ended(row) > moment);
        (moment <= self.until && (self.all || self.rows.len() - start >= enough)).then_some(start)
    }
}

impl History<'_> {
    async fn check(&mut self, run: &RunFigures, project: &str) -> Result<Vec<Verdict>, sqlx::Error> {
        let start = self.find_window(run.completed_at).await?;
        let gaps = self.gap_counts(run, start).await?;
        let previous = self.previous(run, start).await?;
        let before = Before { newest: self.window(start), gaps: &gaps, previous: previous.as_ref() };
        Ok(check(run, project, before, self.settings))
    }

    /// A run of the batch is before all that follow in it.
    fn remember(&mut self, run: &RunFigures) {
        self.batch.push(run.clone());
        if let Some(window) = &mut self.window {
            insert(&mut window.rows, run.clone(), |row| row.completed_at);
        }
        for gap in &run.gaps {
            if let Some(newest) = self.gaps.get_mut(gap) {
                insert(&mut newest.rows, run.completed_at, |moment| *moment);
            }
        }
    }

    /// How many runs of the window are before this one.
    fn enough(&self) -> usize {
        self.settings.window.saturating_sub(1)
    }

    /// The newest complete runs from a place in what was read, one less than the window.
    fn window(&self, start: usize) -> &[RunFigures] {
        let rows = self.window.as_ref().map_or(&[][..], |window| &window.rows[start..]);
        &rows[..rows.len().min(self.enough())]
    }

    /// Where in the window begins what had ended by a moment; reads it where it is not known that far.
    async fn find_window(&mut self, moment: i64) -> Result<usize, sqlx::Error> {
        let enough = self.enough();
        // All runs of the batch share one window, unless they ended so far apart that it does not hold enough for the first.
        for until in [self.until, moment] {
            if let Some(start) = self.window.as_ref().and_then(|known| known.by(moment, enough, |row| row.completed_at))
            {
                return Ok(start);
            }
            if self.window.is_none() || until == moment {
                self.window = Some(self.read_window(until).await?);
            }
        }
        Ok(self.window.as_ref().map_or(0, |known| known.rows.partition_point(|row| row.completed_at > moment)))
    }

    async fn read_window(&mut self, until: i64) -> Result<Newest<RunFigures>, sqlx::Error> {
        let limit = self.enough() + BEYOND;
        let completed_at = self.connection.parameter(Kind::Time, 1);
        let condition = format!(
            "status = 'complete' AND completed_at <= {completed_at}
             ORDER BY traces.completed_at DESC, write_order DESC LIMIT {limit}"
        );
        let mut rows = runs(self.connection, &condition, vec![moment_cell(until)]).await?;
        let all = rows.len() < limit;
        for run in self.batch.iter().filter(|run| run.completed_at <= until) {
            insert(&mut rows, run.clone(), |row| row.completed_at);
        }
        Ok(Newest { rows, until, all })
    }

    /// How often each gap of a run was one in the last days, up to the window.
    async fn gap_counts(&mut self, run: &RunFigures, start: usize) -> Result<HashMap<String, u64>, sqlx::Error> {
        let since = run.completed_at.saturating_sub(self.settings.micros());
        let newest = self.window(start);
        let reaches = newest.len() < self.enough() || newest.last().is_none_or(|oldest| oldest.completed_at <= since);
        let mut counts = HashMap::new();
        for gap in &run.gaps {
            let count = if reaches {
                let failed = |before: &&RunFigures| before.completed_at > since && before.gaps.contains(gap);
                self.window(start).iter().filter(failed).count()
            } else {
                self.count_gap(gap, since, run.completed_at).await?
            };
            counts.insert(gap.clone(), count as u64);
        }
        Ok(counts)
    }

    /// The same for a gap in more runs than the window holds.
    async fn count_gap(&mut self, gap: &str, since: i64, moment: i64) -> Result<usize, sqlx::Error> {
        let enough = self.settings.window;
        for until in [self.until, moment] {
            let known = self.gaps.get(gap);
            if known.and_then(|newest| newest.by(moment, enough, |ended| *ended)).is_some() {
                break;
            }
            if known.is_none() || until == moment {
                let newest = self.read_gap(gap, until).await?;
                self.gaps.insert(gap.to_owned(), newest);
            }
        }
        let ended = self.gaps.get(gap).map_or(&[][..], |newest| &newest.rows[..]);
        Ok(ended.iter().filter(|ended| **ended <= moment && **ended > since).count().min(enough))
    }

    async fn read_gap(&mut self, gap: &str, until: i64) -> Result<Newest<i64>, sqlx::Error> {
        let limit = self.settings.window + BEYOND;
        let completed_at = self.connection.parameter(Kind::Time, 2);
        let selected = self.connection.selection(&GAP_MOMENT);
        let sql = format!(
            "SELECT {selected} FROM principle_gaps WHERE principle_id = $1 AND completed_at <= {completed_at}
             ORDER BY principle_gaps.completed_at DESC LIMIT {limit}"
        );
        let rows = self.connection.fetch(sql, vec![gap.into(), moment_cell(until)], GAP_MOMENT.columns).await?;
        let all = rows.len() < limit;
        let moment = |row: Vec<Value>| match row.into_iter().next() {
            Some(Value::Text(text)) => text.parse().ok().map(time::micros),
            _ => None,
        };
        let mut rows: Vec<i64> = rows.into_iter().filter_map(moment).collect();
        let has_gap = |run: &&RunFigures| run.completed_at <= until && run.gaps.iter().any(|own| own == gap);
        for run in self.batch.iter().filter(has_gap) {
            insert(&mut rows, run.completed_at, |ended| *ended);
        }
        Ok(Newest { rows, until, all })
    }

    /// The project's newest complete run before this one, where that matters.
    async fn previous(&mut self, run: &RunFigures, start: usize) -> Result<Option<RunFigures>, sqlx::Error> {
        let newest = self.window(start);
        let is_all = newest.len() < self.enough();
        let previous = newest.iter().find(|before| before.project_id == run.project_id).cloned();
        if previous.is_some() || is_all || run.passed != Some(false) {
            return Ok(previous);
        }
        let completed_at = self.connection.parameter(Kind::Time, 2);
        let condition = format!(
            "project_id = $1 AND status = 'complete' AND completed_at <= {completed_at}
             ORDER BY traces.completed_at DESC, write_order DESC LIMIT 1"
        );
        let arguments = vec![run.project_id.as_str().into(), moment_cell(run.completed_at)];
        let stored = runs(self.connection, &condition, arguments).await?.into_iter().next();
        // The batch is in the order of ends, and of two that ended at once its own run is the newer.
        let own = self.batch.iter().rfind(|before| before.project_id == run.project_id).cloned();
        Ok(match (own, stored) {
            (Some(own), Some(stored)) if own.completed_at < stored.completed_at => Some(stored),
            (own, stored) => own.or(stored),
        })
    }
}

/// The column of `principle_gaps` that is read.
static GAP_MOMENT: Table = Table {
    name: "principle_gaps",
    key: &[],
    keep: &[],
    adds: false,
    columns: &[Column { name: "completed_at", kind: Kind::Time }],
};

/// Puts a row before those that ended no later: of two that ended at the same moment, the one recorded later is the newer.
fn insert<T>(rows: &mut Vec<T>, row: T, ended: impl Fn(&T) -> i64) {
    let place = rows.partition_point(|other| ended(other) > ended(&row));
    rows.insert(place, row);
}

/// The runs that a condition selects. It says `traces.completed_at` where it sorts: the bare name would be the text that is selected.
async fn runs(
    connection: &mut Connection,
    condition: &str,
    arguments: Vec<Value>,
) -> Result<Vec<RunFigures>, sqlx::Error> {
    let columns = connection.selection(&BasisRow::TABLE);
    let sql = format!("SELECT {columns} FROM traces WHERE {condition}");
    let rows = connection.fetch(sql, arguments, BasisRow::TABLE.columns).await?;
    Ok(rows.into_iter().filter_map(BasisRow::from_cells).filter_map(BasisRow::into_figures).collect())
}

fn moment_cell(micros: i64) -> Value {
    Value::Text(time::fixed(Timestamp::from_nanos(i128::from(micros) * 1000)))
}
