//! Rows for what has none: everything that waits in the outbox, and every document on disk whose trace the database does not know.
//!
//! Comes in: a database and a folder of traces. Goes out: rows, and a report of what was written, what still waits, and what cannot be
//! read. This is what `whytrace sync` does; a running program empties the outbox by itself.

use super::error::SqlError;
use super::link::Link;
use super::outbox::Outbox;
use super::sink::RowsOptions;
use super::url::DatabaseUrl;
use super::worker::{Shared, Worker};
use crate::calibrate::Alarms;
use crate::files::{TRACES_DIR, is_trace_id, one_line, read_document};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use trace_core::sink::FinishedTrace;

/// Documents looked at together.
const BATCH: usize = 64;

/// What was done, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncReport {
    /// Traces of the outbox that were written.
    pub drained: u64,
    /// Traces that the database refused just now; they are kept in the outbox, apart.
    pub refused: u64,
    /// Traces that still wait in the outbox.
    pub waiting: u64,
    /// Documents that were looked at.
    pub documents: u64,
    /// Documents whose traces had no rows and have some now.
    pub written: u64,
    /// Files that are no documents, one line each.
    pub problems: Vec<String>,
    /// Why something still waits.
    pub last_error: Option<String>,
}

impl SyncReport {
    /// Whether everything that can be in the database is.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.waiting == 0 && self.refused == 0 && self.last_error.is_none()
    }
}

/// Writes the rows of everything below `traces_dir` (`WHYTRACE_DIR`) that has none, and returns when that is done or the database is away.
/// `progress` hears of each step. Traces of the outbox are checked for calibration flags, documents of the past are not.
///
/// It blocks, and starts a runtime of its own on a thread of its own: it may be called from anywhere.
///
/// # Errors
/// [`SqlError::Open`] when the system gives no thread, [`SqlError::Open`] and others when the database cannot be used at all.
pub fn sync(
    url: &DatabaseUrl,
    traces_dir: &Path,
    options: RowsOptions,
    progress: impl FnMut(&SyncReport) + Send,
) -> Result<SyncReport, SqlError> {
    let refuse = |reason: String| SqlError::Open { url: url.clone(), reason };
    std::thread::scope(|scope| {
        let work = || Sync::new(url, traces_dir, options, progress)?.run();
        let thread = std::thread::Builder::new().name("whytrace-sync".to_owned()).spawn_scoped(scope, work);
        let thread = thread.map_err(|error| refuse(error.to_string()))?;
        thread.join().unwrap_or_else(|_| Err(refuse("the thread that writes rows panicked".to_owned())))
    })
}

struct Sync<'a, P> {
    worker: Worker,
    traces_dir: &'a Path,
    report: SyncReport,
    progress: P,
}

impl<'a, P: FnMut(&SyncReport)> Sync<'a, P> {
    fn new(url: &DatabaseUrl, traces_dir: &'a Path, options: RowsOptions, progress: P) -> Result<Self, SqlError> {
        let refuse = |error: std::io::Error| SqlError::Open { url: url.clone(), reason: error.to_string() };
        let link = Link::new(url.clone(), options.patience, options.calibration).map_err(refuse)?;
        let outbox = Arc::new(Outbox::new(traces_dir, options.outbox));
        let worker = Worker::new(link, outbox, Arc::new(Shared::default()), Alarms::new(options.print_flags));
        Ok(Self { worker, traces_dir, report: SyncReport::default(), progress })
    }

    fn run(mut self) -> Result<SyncReport, SqlError> {
        // The first word is whether the database can be used.
        self.worker.link.unknown(Vec::new())?;
        self.empty_outbox();
        if self.report.last_error.is_none() {
            self.worker.link.stop_checking();
            self.write_documents()?;
        }
        self.worker.link.close();
        Ok(self.report)
    }

    fn empty_outbox(&mut self) {
        let mut waiting = self.worker.outbox.status().entries;
        while waiting > 0 {
            self.worker.drain();
            self.note();
            if self.worker.is_done() {
                break;
            }
            waiting = self.report.waiting;
        }
    }

    fn note(&mut self) {
        let status = &self.worker.status;
        self.report.drained = status.drained.load(Ordering::Relaxed);
        self.report.refused = status.poisoned.load(Ordering::Relaxed);
        self.report.waiting = self.worker.outbox.status().entries;
        let last_error = status.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.report.last_error = last_error.filter(|_| self.report.waiting > 0 || self.report.refused > 0);
        (self.progress)(&self.report);
    }

    fn write_documents(&mut self) -> Result<(), SqlError> {
        let documents = documents(self.traces_dir);
        for batch in documents.chunks(BATCH) {
            let id = |path: &PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let unknown = self.worker.link.unknown(batch.iter().filter_map(id).collect())?;
            let missing = batch.iter().filter(|path| id(path).is_some_and(|id| unknown.contains(&id)));
            let mut traces = Vec::new();
            for path in missing {
                match read_document(path) {
                    Ok(trace) => traces.push(finished(trace, path)),
                    Err(error) => self.report.problems.push(one_line(&error.to_string(), 400)),
                }
            }
            let stored = if traces.is_empty() { Vec::new() } else { self.worker.store(&traces) };
            self.report.documents += batch.len() as u64;
            self.report.written += stored.iter().filter(|outcome| outcome.is_ok()).count() as u64;
            self.note();
        }
        Ok(())
    }
}

fn finished(trace: trace_core::model::Trace, path: &Path) -> FinishedTrace {
    let project_dir = path.parent().and_then(Path::parent).map(Path::to_owned);
    FinishedTrace { trace: Arc::new(trace), project_dir, sampled: true, again: true }
}

/// The documents of all projects, oldest first: ids begin with the time.
fn documents(traces_dir: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_document = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).is_some_and(is_trace_id);
        stem && path.extension().is_some_and(|ending| ending == "json")
    };
    let mut found: Vec<PathBuf> = entries(traces_dir)
        .filter(|project| project.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.')))
        .flat_map(|project| entries(&project.join(TRACES_DIR)).filter(is_document).collect::<Vec<_>>())
        .collect();
    found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    found
}
