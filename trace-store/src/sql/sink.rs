//! The sink that keeps rows: a thread of its own with the database and the outbox.
//!
//! Comes in: batches of finished traces, from the collector. Goes out: what truly became of each: saved, waiting in the outbox, or neither.
//! While the database is away nothing waits for it; the outbox is emptied as soon as it is back.

use super::error::SqlError;
use super::link::{Link, Trouble};
use super::outbox::{Outbox, OutboxLimits, Pending};
use super::url::DatabaseUrl;
use crate::settings::Settings;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink, SinkError, Stored};

/// How the sink works.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RowsOptions {
    /// How many traces are written in one transaction at most.
    pub batch: usize,
    /// How long one attempt waits for a lock or an answer.
    pub patience: Duration,
    /// How much the outbox holds.
    pub outbox: OutboxLimits,
}

impl Default for RowsOptions {
    /// 256 traces, 2 s, 100,000 entries and 2 GiB.
    fn default() -> Self {
        Self { batch: 256, patience: Duration::from_secs(2), outbox: OutboxLimits::default() }
    }
}

/// How many traces of the outbox are written at once, between two batches of new ones.
const DRAIN: usize = 64;

/// How long to wait when another program empties the outbox.
const OTHERS: Duration = Duration::from_secs(1);

/// How long to wait when nothing in the outbox could be settled.
const STUCK: Duration = Duration::from_secs(30);

/// How long a flush goes on emptying the outbox.
const FLUSH: Duration = Duration::from_secs(3);

/// How long dropping the sink waits for its thread.
const FAREWELL: Duration = Duration::from_secs(3);

/// What the sink has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsStatus {
    /// Traces whose rows are in the database.
    pub saved: u64,
    /// Traces put into the outbox.
    pub queued: u64,
    /// Traces that could be neither written nor queued.
    pub failed: u64,
    /// Traces that the database refused.
    pub poisoned: u64,
    /// Traces of the outbox, of this and of earlier programs, that were written.
    pub drained: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Keeps traces as rows in SQLite or Postgres. The database is opened when the first trace arrives.
///
/// ```no_run
/// use trace_store::sql::{RowsOptions, RowsSink};
/// let sink = RowsSink::new(&"sqlite:traces/whytrace.db".parse()?, "traces".as_ref(), RowsOptions::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RowsSink {
    batch: usize,
    outbox: Arc<Outbox>,
    status: Arc<Shared>,
    /// `None` once the sink is being dropped.
    inbox: Option<Sender<Message>>,
    ended: Mutex<Receiver<()>>,
}

#[derive(Debug)]
enum Message {
    Store(Vec<FinishedTrace>, SyncSender<Vec<Result<Stored, SinkError>>>),
    Flush(SyncSender<()>),
}

#[derive(Debug, Default)]
struct Shared {
    saved: AtomicU64,
    queued: AtomicU64,
    failed: AtomicU64,
    poisoned: AtomicU64,
    drained: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl RowsSink {
    /// A sink for a database; `traces_dir` (`WHYTRACE_DIR`) is where the outbox is made when it is needed.
    ///
    /// # Errors
    /// [`SqlError::Open`] when the system gives no thread for it. That the database is away is no error here.
    pub fn new(url: &DatabaseUrl, traces_dir: &Path, options: RowsOptions) -> Result<Self, SqlError> {
        let outbox = Arc::new(Outbox::new(traces_dir, options.outbox));
        let status = Arc::new(Shared::default());
        let refuse = |error: std::io::Error| SqlError::Open { url: url.clone(), reason: error.to_string() };
        let link = Link::new(url.clone(), options.patience).map_err(refuse)?;
        let worker = Worker { link, outbox: Arc::clone(&outbox), status: Arc::clone(&status), drain_at: None };
        let (inbox, messages) = channel();
        let (end, ended) = sync_channel(1);
        let run = move || {
            worker.run(&messages);
            // Nobody waits for it when the sink is leaked.
            let _ = end.send(());
        };
        std::thread::Builder::new().name("whytrace-rows".to_owned()).spawn(run).map_err(refuse)?;
        Ok(Self { batch: options.batch.max(1), outbox, status, inbox: Some(inbox), ended: Mutex::new(ended) })
    }

    /// The sink that settings ask for; `None` when they ask for no rows.
    ///
    /// # Errors
    /// When the URL cannot be taken, names a database that this program was built without, or the system gives no thread.
    pub fn of_settings(settings: &Settings) -> Result<Option<Self>, SqlError> {
        let Some(url) = DatabaseUrl::of_settings(settings)? else { return Ok(None) };
        Self::new(&url, &settings.dir, RowsOptions::default()).map(Some)
    }

    /// What waits on disk.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What the sink has done so far.
    #[must_use]
    pub fn status(&self) -> RowsStatus {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let status = &*self.status;
        RowsStatus {
            saved: count(&status.saved),
            queued: count(&status.queued),
            failed: count(&status.failed),
            poisoned: count(&status.poisoned),
            drained: count(&status.drained),
            last_error: status.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn ask<T>(&self, message: impl FnOnce(SyncSender<T>) -> Message) -> Option<T> {
        let (reply, answer) = sync_channel(1);
        self.inbox.as_ref()?.send(message(reply)).ok()?;
        answer.recv().ok()
    }
}

impl Sink for RowsSink {
    fn is_database(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        self.ask(|reply| Message::Store(traces.to_vec(), reply)).unwrap_or_else(|| {
            let error = || error(DatabaseStatus::Failed, "the thread that writes rows has ended".to_owned());
            traces.iter().map(|_| Err(error())).collect()
        })
    }

    fn flush(&self) {
        // A thread that is gone has nothing left to finish.
        let _ = self.ask(Message::Flush);
    }
}

impl Drop for RowsSink {
    fn drop(&mut self) {
        self.inbox = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // It closes the database; the rows are as safe without.
        let _ = ended.recv_timeout(FAREWELL);
    }
}

const NAME: &str = "rows";

fn error(database: DatabaseStatus, message: String) -> SinkError {
    SinkError { sink: NAME, message, database: Some(database) }
}

/// What runs on the sink's thread.
struct Worker {
    link: Link,
    outbox: Arc<Outbox>,
    status: Arc<Shared>,
    /// When to empty the outbox; `None` while nothing is known to wait.
    drain_at: Option<Instant>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Message>) {
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

    fn store(&mut self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        let outcomes = self.link.save(traces);
        traces.iter().zip(outcomes).map(|(finished, outcome)| self.settle(finished, outcome)).collect()
    }

    fn settle(&mut self, finished: &FinishedTrace, outcome: Result<(), Trouble>) -> Result<Stored, SinkError> {
        let trace_id = &finished.trace.trace_id;
        match outcome {
            Ok(()) => {
                self.status.count(&self.status.saved);
                Ok(Stored { database: Some(DatabaseStatus::Saved), ..Stored::default() })
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
    fn drain(&mut self) {
        let Some(lock) = self.outbox.lock() else {
            self.drain_at = (!self.outbox.is_empty()).then(|| Instant::now() + OTHERS);
            return;
        };
        let entries = self.outbox.take(&lock, DRAIN);
        let traces: Vec<FinishedTrace> =
            entries.iter().filter_map(|entry| entry.trace.as_ref().ok().cloned()).collect();
        let mut outcomes = if traces.is_empty() { Vec::new() } else { self.link.save(&traces) }.into_iter();
        let mut settled = 0;
        for entry in &entries {
            let outcome = match &entry.trace {
                Ok(_) => outcomes.next().unwrap_or(Ok(())),
                Err(unreadable) => Err(Trouble::Refused(unreadable.clone())),
            };
            settled += usize::from(self.settle_entry(entry, outcome));
        }
        // What can be neither written nor moved, on a full disk perhaps, must not be tried without end.
        let stuck = (settled == 0).then(|| Instant::now() + STUCK);
        let next = self.link.paused_until().or(stuck).unwrap_or_else(Instant::now);
        self.drain_at = (!self.outbox.is_empty()).then_some(next);
    }

    /// Says whether the entry no longer waits.
    fn settle_entry(&self, entry: &Pending, outcome: Result<(), Trouble>) -> bool {
        match outcome {
            Ok(()) => {
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
