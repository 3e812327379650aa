//! Where finished traces go, and what comes back.
//!
//! Comes in: finished traces, from the collector. Goes out: a [`FinishReport`] to whoever awaits it. Every sink has
//! its own threads and queue; a slow, failing or panicking one harms neither the traced program nor the other sinks.

use crate::model::{CalibrationFlag, Trace};
use std::path::PathBuf;
use std::sync::Arc;

/// A trace on its way to the sinks.
#[derive(Clone, Debug)]
pub struct FinishedTrace {
    /// The document.
    pub trace: Arc<Trace>,
    /// `{WHYTRACE_DIR}/{project}`; `None` when nothing is kept in files.
    pub project_dir: Option<PathBuf>,
    /// Whether the sampling decision keeps document and child rows; the `traces` row, executions and costs are always kept.
    pub sampled: bool,
    /// Whether it was sent before and is sent again, because events arrived after its end, or flags were raised.
    pub again: bool,
}

/// Takes finished traces.
pub trait Sink: Send + Sync + 'static {
    /// A name for reports and messages, such as `document`.
    fn name(&self) -> &'static str;

    /// Whether it keeps rows; a report says `queued` while such a sink has not answered.
    fn is_database(&self) -> bool {
        false
    }

    /// How many threads may call [`Sink::store`] at once.
    fn threads(&self) -> usize {
        1
    }

    /// How many traces one call of [`Sink::store`] takes at most.
    fn batch(&self) -> usize {
        1
    }

    /// Keeps the traces; called on a thread of the sink's own, where blocking is fine. Storing a trace twice is storing it once.
    /// Returns one result for each trace, in the same order.
    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>>;

    /// Called when nothing more will come, or before the program ends: finish what is begun.
    fn flush(&self) {}
}

/// What a sink did with a trace.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The document's path.
    pub file_path: Option<PathBuf>,
    /// The summary's path.
    pub summary_file: Option<PathBuf>,
    /// What became of the rows.
    pub database: Option<DatabaseStatus>,
    /// The quality patterns that this sink detected, which the document does not show yet: they become events of the stream, and the
    /// document with them goes once more to all sinks that keep no rows.
    pub calibration_flags: Vec<CalibrationFlag>,
}

/// Why a sink could not keep a trace, and what became of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{sink}: {message}")]
pub struct SinkError {
    /// The sink's name.
    pub sink: &'static str,
    /// What was being done, with what, and what to do about it.
    pub message: String,
    /// What became of the rows, if this is about them.
    pub database: Option<DatabaseStatus>,
}

/// What became of the rows of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DatabaseStatus {
    /// They are in the database.
    Saved,
    /// They are on their way: in the writer's queue, or in the outbox on disk.
    Queued,
    /// They could be neither written nor queued.
    Failed,
    /// No database is configured.
    #[default]
    Off,
}

impl DatabaseStatus {
    /// The word used in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Queued => "queued",
            Self::Failed => "failed",
            Self::Off => "off",
        }
    }
}

/// What became of a finished trace.
#[derive(Clone, Debug, Default)]
pub struct FinishReport {
    /// The trace.
    pub trace_id: String,
    /// The document's path, once it is written.
    pub file_path: Option<PathBuf>,
    /// What became of the rows.
    pub database: DatabaseStatus,
    /// The summary's path, once it is written.
    pub summary_file: Option<PathBuf>,
    /// The quality patterns detected.
    pub calibration_flags: Vec<CalibrationFlag>,
    /// Records that were made but not kept.
    pub dropped: u64,
    /// What went wrong on the way, one sentence each.
    pub errors: Vec<String>,
}
