//! The sink that keeps rows: a thread of its own with the database and the outbox.
//!
//! Comes in: batches of finished traces, from the collector. Goes out: what truly became of each: saved, waiting in the outbox, or neither.
//! While the database is away nothing waits for it; the outbox is emptied as soon as it is back.

use super::error::SqlError;
use super::link::Link;
use super::outbox::{Outbox, OutboxLimits};
use super::url::{DatabaseKind, DatabaseUrl};
use super::worker::{Message, NAME, Shared, Worker, error};
use crate::calibrate::Alarms;
use crate::files::ScorecardMode;
use crate::settings::{CalibrationSettings, Settings};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink, SinkError, Stored};

/// How the sink works.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RowsOptions {
    /// How many traces are written in one transaction at most, 1 at least; `None`: 256 in SQLite, where one writer waits for the other from the first row
    /// on, and 512 in Postgres.
    pub batch: Option<usize>,
    /// How long one attempt waits for a lock or an answer.
    pub patience: Duration,
    /// How much the outbox holds.
    pub outbox: OutboxLimits,
    /// When runs are flagged; `None`: they are not checked.
    pub calibration: Option<CalibrationSettings>,
    /// Whether flags are printed on stderr, beside the project's file of alerts.
    pub print_flags: bool,
}

impl Default for RowsOptions {
    /// As many traces as suit the database, 2 s, 100,000 entries and 2 GiB, the default thresholds of flags, printed.
    fn default() -> Self {
        Self {
            batch: None,
            patience: Duration::from_secs(2),
            outbox: OutboxLimits::default(),
            calibration: Some(CalibrationSettings::default()),
            print_flags: true,
        }
    }
}

/// How many traces a transaction holds. What traces share (sums of days above all) is written once for each: the more traces, the less of it.
fn default_batch(kind: DatabaseKind) -> usize {
    match kind {
        DatabaseKind::Sqlite => 256,
        DatabaseKind::Postgres => 512,
    }
}

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

impl RowsSink {
    /// A sink for a database; `traces_dir` (`WHYTRACE_DIR`) is where the outbox is made when it is needed.
    ///
    /// # Errors
    /// [`SqlError::Open`] when the system gives no thread for it. That the database is away is no error here.
    pub fn new(url: &DatabaseUrl, traces_dir: &Path, options: RowsOptions) -> Result<Self, SqlError> {
        let batch = options.batch.map_or_else(|| default_batch(url.kind()), |batch| batch.max(1));
        let outbox = Arc::new(Outbox::new(traces_dir, options.outbox));
        let status = Arc::new(Shared::default());
        let refuse = |error: std::io::Error| SqlError::Open { url: url.clone(), reason: error.to_string() };
        let link = Link::new(url.clone(), options.patience, options.calibration).map_err(refuse)?;
        let worker = Worker::new(link, Arc::clone(&outbox), Arc::clone(&status), Alarms::new(options.print_flags));
        let (inbox, messages) = channel();
        let (end, ended) = sync_channel(1);
        let run = move || {
            worker.run(&messages);
            // Nobody waits for it when the sink is leaked.
            let _ = end.send(());
        };
        std::thread::Builder::new().name("whytrace-rows".to_owned()).spawn(run).map_err(refuse)?;
        Ok(Self { batch, outbox, status, inbox: Some(inbox), ended: Mutex::new(ended) })
    }

    /// The sink that settings ask for; `None` when they ask for no rows.
    ///
    /// # Errors
    /// When the URL cannot be taken, names a database that this program was built without, or the system gives no thread.
    pub fn of_settings(settings: &Settings) -> Result<Option<Self>, SqlError> {
        let Some(url) = DatabaseUrl::of_settings(settings)? else { return Ok(None) };
        let options = RowsOptions {
            calibration: Some(settings.calibration),
            // Whoever wants nothing printed says so there.
            print_flags: settings.scorecard != ScorecardMode::Off,
            ..RowsOptions::default()
        };
        Self::new(&url, &settings.dir, options).map(Some)
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
