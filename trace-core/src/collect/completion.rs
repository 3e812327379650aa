//! How whoever finished a trace learns what became of it.

use crate::sink::{DatabaseStatus, FinishReport, SinkError, Stored};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Resolved when every sink has answered, or when the time is over.
#[derive(Debug, Default)]
pub(crate) struct Completion {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    report: FinishReport,
    /// Sinks that have not answered yet; `None` before the trace went to them.
    waiting_for: Option<usize>,
    resolved: bool,
    /// A database sink has not answered yet.
    rows_on_their_way: bool,
    deadline_set: bool,
    waker: Option<Waker>,
}

impl Completion {
    pub(crate) fn new(trace_id: &str) -> Arc<Self> {
        let report = FinishReport { trace_id: trace_id.to_owned(), ..FinishReport::default() };
        Arc::new(Self { state: Mutex::new(State { report, ..State::default() }), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trace goes to so many sinks; more of them, if it went to some before.
    pub(super) fn sent(&self, sinks: usize, with_rows: bool, dropped: u64) {
        let mut state = self.state();
        let waiting_for = state.waiting_for.unwrap_or(0) + sinks;
        state.waiting_for = Some(waiting_for);
        state.rows_on_their_way |= with_rows;
        state.report.dropped = dropped;
        if waiting_for == 0 {
            self.resolve(state);
        }
    }

    /// One sink has answered, and nothing follows from it.
    pub(super) fn answered(&self, is_database: bool, answer: &Result<Stored, SinkError>) {
        self.note(is_database, answer);
        self.done_with_one();
    }

    /// One sink has answered; [`Completion::done_with_one`] when what follows from it is under way.
    pub(super) fn note(&self, is_database: bool, answer: &Result<Stored, SinkError>) {
        let mut state = self.state();
        let database = match answer {
            Ok(stored) => {
                let report = &mut state.report;
                report.file_path = report.file_path.take().or_else(|| stored.file_path.clone());
                report.summary_file = report.summary_file.take().or_else(|| stored.summary_file.clone());
                report.calibration_flags.extend(stored.calibration_flags.iter().cloned());
                stored.database
            }
            Err(error) => {
                state.report.errors.push(error.to_string());
                error.database
            }
        };
        if let Some(database) = database {
            state.report.database = database;
        }
        if is_database {
            state.rows_on_their_way = false;
        }
    }

    /// One sink less is waited for.
    pub(super) fn done_with_one(&self) {
        let mut state = self.state();
        let left = state.waiting_for.map_or(0, |left| left.saturating_sub(1));
        state.waiting_for = Some(left);
        if left == 0 {
            self.resolve(state);
        }
    }

    /// Whether every sink has answered.
    pub(super) fn is_settled(&self) -> bool {
        self.state().waiting_for == Some(0)
    }

    /// Whether every sink has answered and kept the trace.
    pub(super) fn is_kept(&self) -> bool {
        let state = self.state();
        state.waiting_for == Some(0) && state.report.errors.is_empty()
    }

    /// The time is over.
    pub(super) fn give_up(&self) {
        let state = self.state();
        self.resolve(state);
    }

    fn resolve(&self, mut state: MutexGuard<'_, State>) {
        if state.rows_on_their_way {
            state.report.database = DatabaseStatus::Queued;
        }
        state.resolved = true;
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Blocks until it is resolved, or `timeout` is over.
    pub(crate) fn wait(&self, timeout: Duration) -> FinishReport {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        while !state.resolved {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.resolve(state);
                return self.state().report.clone();
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.report.clone()
    }

    /// Ready when it is resolved; the collector sees to it that this is within `timeout`.
    pub(crate) fn poll(self: &Arc<Self>, cx: &mut Context<'_>, timeout: Duration) -> Poll<FinishReport> {
        let mut state = self.state();
        if state.resolved {
            return Poll::Ready(state.report.clone());
        }
        state.waker = Some(cx.waker().clone());
        if !std::mem::replace(&mut state.deadline_set, true) {
            drop(state);
            super::resolve_within(Arc::clone(self), timeout);
        }
        Poll::Pending
    }
}
