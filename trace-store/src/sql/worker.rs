//! What runs on the sink's thread: the database and the outbox, and which of them gets what.
//!
//! Comes in: batches of finished traces. Goes out: what truly became of each, the flags that were raised for it, and alarms. While the
//! database is away nothing waits for it; the outbox is emptied as soon as it is back.

use super::link::{Link, Trouble};
use super::outbox::{Outbox, Pending};
use super::writer::Raised;
use crate::calibrate::Alarms;
use crate::files;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trace_core::collect::{LateFlags, flag_later};
use trace_core::model::Trace;
use trace_core::sink::{DatabaseStatus, FinishedTrace, SinkError, Stored};

/// How many traces of the outbox are written at once, between two batches of new ones.
const DRAIN: usize = 64;

/// How long to wait when another program empties the outbox.
const OTHERS: Duration = Duration::from_secs(1);

/// How long to wait when nothing in the outbox could be settled.
const STUCK: Duration = Duration::from_secs(30);

/// How long a flush goes on emptying the outbox.
const FLUSH: Duration = Duration::from_secs(3);

/// The sink's name in reports.
pub(super) const NAME: &str = "rows";

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Message {
    Store(Vec<FinishedTrace>, SyncSender<Vec<Result<Stored, SinkError>>>),
    Flush(SyncSender<()>),
}

/// What was done so far, for whoever asks from outside.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) saved: AtomicU64,
    pub(super) queued: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) poisoned: AtomicU64,
    pub(super) drained: AtomicU64,
    pub(super) last_error: Mutex<Option<String>>,
}

/// What runs on the sink's thread.
pub(super) struct Worker {
    pub(super) link: Link,
    pub(super) outbox: Arc<Outbox>,
    pub(super) status: Arc<Shared>,
    alarms: Alarms,
    /// When to empty the outbox; `None` while nothing is known to wait.
    drain_at: Option<Instant>,
}

impl Worker {
    pub(super) fn new(link: Link, outbox: Arc<Outbox>, status: Arc<Shared>, alarms: Alarms) -> Self {
        Self { link, outbox, status, alarms, drain_at: None }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        if !self.outbox.is_empty() {
            self.drain_at = Some(Instant::now());
        }
        loop {
            let message = match self.drain_at {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Store(traces, reply)) => {
                    // Whoever asked may have stopped waiting.
                    let _ = reply.send(self.store(&traces));
                }
                Ok(Message::Flush(reply)) => {
                    self.flush();
                    let _ = reply.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.drain_at.is_some_and(|at| at <= Instant::now()) {
                self.drain();
            }
        }
        self.link.close();
    }

    pub(super) fn store(&mut self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        let outcomes = self.link.save(traces);
        traces.iter().zip(outcomes).map(|(finished, outcome)| self.settle(finished, outcome)).collect()
    }

    fn settle(&mut self, finished: &FinishedTrace, outcome: Result<Raised, Trouble>) -> Result<Stored, SinkError> {
        let trace_id = &finished.trace.trace_id;
        match outcome {
            Ok(raised) => {
                self.status.count(&self.status.saved);
                self.alarm(finished, &raised);
                let calibration_flags = raised.flags;
                Ok(Stored { database: Some(DatabaseStatus::Saved), calibration_flags, ..Stored::default() })
            }
            Err(Trouble::Away(reason)) => match self.outbox.add(finished, &reason) {
                Ok(()) => {
                    self.drain_at = Some(self.link.paused_until().unwrap_or_else(Instant::now));
                    let folder = self.outbox.folder().display();
                    let message = format!("{reason}; the rows of {trace_id} wait in {folder} until it works again");
                    Err(self.status.failure(&self.status.queued, DatabaseStatus::Queued, message))
                }
                Err(full) => {
                    let message = format!("{reason}; the rows of {trace_id} could not be queued either: {full}");
                    Err(self.status.failure(&self.status.failed, DatabaseStatus::Failed, message))
                }
            },
            Err(Trouble::Refused(reason)) => {
                let kept = match self.outbox.add_poisoned(finished, &reason) {
                    Ok(()) => format!("kept in {}", self.outbox.folder().join("poisoned").display()),
                    Err(error) => format!("not kept either: {error}"),
                };
                let message = format!("the database refuses the rows of {trace_id}: {reason} ({kept})");
                Err(self.status.failure(&self.status.poisoned, DatabaseStatus::Failed, message))
            }
        }
    }

    /// Makes one attempt at what waits, whatever the pause, and goes on while it works.
    fn flush(&mut self) {
        let begun = Instant::now();
        if !self.outbox.is_empty() {
            self.link.end_pause();
            self.drain_at = Some(begun);
        }
        while self.drain_at.is_some_and(|at| at <= Instant::now()) && begun.elapsed() < FLUSH {
            self.drain();
        }
    }

    /// Writes the oldest entries of the outbox, and says when to go on.
    pub(super) fn drain(&mut self) {
        let Some(lock) = self.outbox.lock() else {
            self.drain_at = (!self.outbox.is_empty()).then(|| Instant::now() + OTHERS);
            return;
        };
        let entries = self.outbox.take(&lock, DRAIN);
        let traces: Vec<FinishedTrace> =
            entries.iter().filter_map(|entry| entry.trace.as_ref().ok().cloned()).collect();
        let mut outcomes = if traces.is_empty() { Vec::new() } else { self.link.save(&traces) }.into_iter();
        let (mut settled, mut late) = (0, Vec::new());
        for entry in &entries {
            let outcome = match &entry.trace {
                Ok(_) => outcomes.next().unwrap_or_else(|| Ok(Raised::default())),
                Err(unreadable) => Err(Trouble::Refused(unreadable.clone())),
            };
            if let (Ok(finished), Ok(raised)) = (&entry.trace, &outcome) {
                self.alarm(finished, raised);
                late.extend(late_flags(finished, raised));
            }
            settled += usize::from(self.settle_entry(entry, outcome));
        }
        self.complete_documents(late);
        // What can be neither written nor moved, on a full disk perhaps, must not be tried without end.
        let stuck = (settled == 0).then(|| Instant::now() + STUCK);
        let next = self.link.paused_until().or(stuck).unwrap_or_else(Instant::now);
        self.drain_at = (!self.outbox.is_empty()).then_some(next);
    }

    /// Flags that were raised before set off no alarm again.
    fn alarm(&mut self, finished: &FinishedTrace, raised: &Raised) {
        if raised.new {
            self.alarms.raise(&finished.trace.trace_id, finished.project_dir.as_deref(), &raised.flags);
        }
    }

    /// Takes flags into streams and documents that were written while the database was away.
    fn complete_documents(&self, late: Vec<LateFlags>) {
        if late.is_empty() {
            return;
        }
        let (documents, errors) = flag_later(late);
        errors.iter().for_each(|error| self.status.note(error.to_string()));
        for (project_dir, trace) in documents {
            if let Err(error) = files::write(&project_dir, &trace) {
                self.status.note(error.to_string());
            }
        }
    }

    /// Whether the outbox is empty, or cannot be emptied now.
    pub(super) fn is_done(&self) -> bool {
        self.drain_at.is_none_or(|at| at > Instant::now())
    }

    /// Says whether the entry no longer waits.
    fn settle_entry(&self, entry: &Pending, outcome: Result<Raised, Trouble>) -> bool {
        match outcome {
            Ok(_) => {
                let gone = self.outbox.done(entry);
                self.status.count(&self.status.drained);
                gone
            }
            Err(Trouble::Refused(reason)) => {
                let moved = self.outbox.poison(entry, &reason);
                self.status.failure(&self.status.poisoned, DatabaseStatus::Failed, reason);
                moved
            }
            Err(Trouble::Away(reason)) => {
                self.status.note(reason);
                false
            }
        }
    }
}

fn late_flags(finished: &FinishedTrace, raised: &Raised) -> Option<LateFlags> {
    let project_dir = finished.project_dir.clone().filter(|_| !raised.flags.is_empty())?;
    let Trace { trace_id, session_id, .. } = &*finished.trace;
    let (trace_id, session_id) = (trace_id.clone(), session_id.clone());
    Some(LateFlags { trace_id, session_id, project_dir, flags: raised.flags.clone() })
}

impl Shared {
    #[allow(clippy::unused_self)] // reads as what it does: one of its counters
    fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn note(&self, message: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    }

    fn failure(&self, counter: &AtomicU64, database: DatabaseStatus, message: String) -> SinkError {
        self.count(counter);
        self.note(message.clone());
        error(database, message)
    }
}

pub(super) fn error(database: DatabaseStatus, message: String) -> SinkError {
    SinkError { sink: NAME, message, database: Some(database) }
}
