//! The sinks that keep a trace in files: the JSON document, and the Markdown summary beside it.
//!
//! They are two, so that either can fail and the other is still written and reported.

use super::atomic::{self, Durability, FileError};
use super::latest::Latest;
use super::{document_path, layout, summary, summary_path};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use trace_core::model::Trace;
use trace_core::sink::{FinishedTrace, Sink, SinkError, Stored};

/// A document up to this size is indented, as people open these files. Above, nobody reads it whole, and the indentation
/// of a deep document costs as much again.
const INDENTED_BYTES: usize = 1024 * 1024;

/// How many folders are remembered until their names are made durable.
const FOLDERS: usize = 256;

/// Writes `{project_dir}/_traces/{trace_id}.json`, whole or not at all; a trace sent again replaces the document.
///
/// The content is on the disk before the file gets its name. The names themselves are made durable by
/// [`Sink::flush`]: doing it for every document takes a quarter of the throughput, and a name that a power failure takes away is
/// written again by recovery, from the event stream.
#[derive(Debug, Default)]
pub struct DocumentSink {
    latest: Latest,
    unsynced: Mutex<BTreeSet<PathBuf>>,
}

impl DocumentSink {
    /// The sink's name in reports.
    pub const NAME: &'static str = "document";

    /// A sink of documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn keep(&self, finished: &FinishedTrace) -> Result<Stored, WriteError> {
        let Some(project_dir) = kept_in(finished) else { return Ok(Stored::default()) };
        let path = document_path(project_dir, &finished.trace.trace_id)?;
        self.latest.write_unless_newer(finished, || write_document(&path, &finished.trace))?;
        self.remember(&path);
        Ok(Stored { file_path: Some(path), ..Stored::default() })
    }

    fn remember(&self, path: &Path) {
        let Some(folder) = path.parent() else { return };
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        if !unsynced.contains(folder) {
            unsynced.insert(folder.to_owned());
        }
        let full = unsynced.len() > FOLDERS;
        drop(unsynced);
        if full {
            self.flush();
        }
    }
}

impl Sink for DocumentSink {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Writing waits for the disk: four writers keep it busy.
    fn threads(&self) -> usize {
        4
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        traces.iter().map(|finished| self.keep(finished).map_err(|error| error.of(Self::NAME))).collect()
    }

    fn flush(&self) {
        let folders = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
        for folder in folders {
            atomic::sync_folder(&folder);
        }
    }
}

/// Writes `{project_dir}/_traces/{trace_id}_summary.md`, whole or not at all.
///
/// It is not forced to the disk: it can be made again from the document.
#[derive(Debug, Default)]
pub struct SummarySink {
    latest: Latest,
    scale: f64,
}

impl SummarySink {
    /// The sink's name in reports.
    pub const NAME: &'static str = "summary";

    /// A sink of summaries; `scale` is the top of the scale of scores.
    #[must_use]
    pub fn new(scale: f64) -> Self {
        Self { latest: Latest::default(), scale }
    }

    fn keep(&self, finished: &FinishedTrace) -> Result<Stored, WriteError> {
        let Some(project_dir) = kept_in(finished) else { return Ok(Stored::default()) };
        let path = summary_path(project_dir, &finished.trace.trace_id)?;
        let text = summary(&finished.trace, self.scale);
        self.latest.write_unless_newer(finished, || {
            atomic::replace(&path, Durability::Unsynced, |out| out.write_all(text.as_bytes()))
        })?;
        Ok(Stored { summary_file: Some(path), ..Stored::default() })
    }
}

impl Sink for SummarySink {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        traces.iter().map(|finished| self.keep(finished).map_err(|error| error.of(Self::NAME))).collect()
    }
}

/// The project's folder, if this trace is kept in files at all.
fn kept_in(finished: &FinishedTrace) -> Option<&Path> {
    finished.project_dir.as_deref().filter(|_| finished.sampled)
}

#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Id(#[from] layout::BadTraceId),
    #[error(transparent)]
    File(#[from] FileError),
}

impl WriteError {
    fn of(&self, sink: &'static str) -> SinkError {
        SinkError { sink, message: self.to_string(), database: None }
    }
}

fn write_document(path: &Path, trace: &Trace) -> Result<(), FileError> {
    let mut indented = Bounded { bytes: Vec::with_capacity(16 * 1024), limit: INDENTED_BYTES };
    let fits = serde_json::to_writer_pretty(&mut indented, trace).is_ok();
    atomic::replace(path, Durability::Synced, |out| {
        if fits {
            out.write_all(&indented.bytes)?;
        } else {
            // Straight into the file: a large document is not held in memory a second time.
            serde_json::to_writer(&mut *out, trace)?;
        }
        out.write_all(b"\n")
    })
}

/// Holds what is written up to a limit, and refuses the rest.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
