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

/// A document up to this size is indented, as people open these files: 28 µs more for one of 40 KiB, where syncing it takes
/// 400. Above, nobody reads it whole.
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
#[derive(Debug)]
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

#[cfg(any(feature = "sqlite", feature = "postgres"))]
/// Writes the document of a trace whose recorder has done so before, or was not to.
pub(crate) fn write(project_dir: &Path, trace: &Trace) -> Result<(), WriteError> {
    let path = document_path(project_dir, &trace.trace_id)?;
    Ok(write_document(&path, trace)?)
}

/// The project's folder, if this trace is kept in files at all.
fn kept_in(finished: &FinishedTrace) -> Option<&Path> {
    finished.project_dir.as_deref().filter(|_| finished.sampled)
}

/// Why a file of a trace could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
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

#[cfg(test)]
mod tests {
    use super::super::{fixture, read_document};
    use super::*;
    use std::fs;
    use std::sync::Arc;

    fn finished(trace: Trace, project_dir: &Path) -> FinishedTrace {
        FinishedTrace { trace: Arc::new(trace), project_dir: Some(project_dir.to_owned()), sampled: true, again: false }
    }

    fn store(sink: &impl Sink, finished: &FinishedTrace) -> Result<Stored, SinkError> {
        sink.store(std::slice::from_ref(finished)).pop().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn document_and_summary_are_written_where_the_report_says() {
        let dir = tempfile::tempdir().unwrap();
        let finished = finished(fixture::troubled(), dir.path());
        let document = store(&DocumentSink::new(), &finished).unwrap().file_path.unwrap();
        let summary = store(&SummarySink::new(3.0), &finished).unwrap().summary_file.unwrap();
        assert_eq!(document, dir.path().join("_traces").join(format!("{}.json", fixture::ID)));
        assert_eq!(summary, dir.path().join("_traces").join(format!("{}_summary.md", fixture::ID)));
        assert_eq!(read_document(&document).unwrap(), *finished.trace);
        assert!(fs::read_to_string(&document).unwrap().starts_with("{\n  \"schema_version\": 1,\n"));
        assert!(fs::read_to_string(&summary).unwrap().contains("connection refused"));
        assert_eq!(names(&dir.path().join("_traces")).len(), 2);
    }

    #[test]
    fn a_large_document_is_compact_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut trace = fixture::complete();
        trace.outputs.insert("report".into(), "x".repeat(2 * INDENTED_BYTES).into());
        let finished = finished(trace, dir.path());
        let path = store(&DocumentSink::new(), &finished).unwrap().file_path.unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("{\"schema_version\":1,"));
        assert_eq!(read_document(&path).unwrap(), *finished.trace);
    }

    #[test]
    fn what_is_not_sampled_or_not_kept_in_files_leaves_none() {
        let dir = tempfile::tempdir().unwrap();
        let unsampled = FinishedTrace { sampled: false, ..finished(fixture::complete(), dir.path()) };
        let nowhere = FinishedTrace { project_dir: None, ..finished(fixture::complete(), dir.path()) };
        for finished in [unsampled, nowhere] {
            assert!(store(&DocumentSink::new(), &finished).unwrap().file_path.is_none());
            assert!(store(&SummarySink::new(3.0), &finished).unwrap().summary_file.is_none());
        }
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_trace_sent_again_replaces_its_document_and_an_older_version_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let sink = DocumentSink::new();
        let first = finished(fixture::complete(), dir.path());
        let mut later = FinishedTrace { again: true, ..first.clone() };
        Arc::make_mut(&mut later.trace).metadata.late_events = 1;
        for finished in [&first, &later, &first] {
            let path = store(&sink, finished).unwrap().file_path.unwrap();
            assert!(path.exists());
        }
        let path = document_path(dir.path(), fixture::ID).unwrap();
        assert_eq!(read_document(&path).unwrap().metadata.late_events, 1);
    }

    #[test]
    fn an_id_that_leaves_the_folder_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        for id in ["../../escaped", "", "trc_a/../../../b", "/etc/passwd", "trc_\0"] {
            let finished = finished(Trace { trace_id: id.into(), ..Trace::default() }, &project);
            let error = store(&DocumentSink::new(), &finished).unwrap_err();
            assert!(error.message.contains("is not a trace id"), "{error}");
            assert!(store(&SummarySink::new(3.0), &finished).is_err());
        }
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_reported_and_the_others_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "precious").unwrap();
        let batch = [finished(fixture::complete(), &file), finished(fixture::complete(), &dir.path().join("good"))];
        let results = DocumentSink::new().store(&batch);
        let error = results[0].as_ref().unwrap_err();
        assert_eq!((error.sink, error.database), ("document", None));
        assert!(error.message.contains("a file is where a folder should be"), "{error}");
        assert!(results[1].as_ref().unwrap().file_path.as_ref().unwrap().exists());
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_that_takes_no_files_is_reported() {
        // No file can be made in this folder, by nobody: root included.
        let finished = finished(fixture::complete(), Path::new("/proc/whytrace"));
        let error = store(&DocumentSink::new(), &finished).unwrap_err();
        assert!(error.message.contains("/proc/whytrace") && error.message.contains("WHYTRACE_DIR"), "{error}");
    }

    #[test]
    fn a_folder_deleted_between_two_traces_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let project = dir.path().join("project");
        let sink = DocumentSink::new();
        for _ in 0..2 {
            let path = store(&sink, &finished(fixture::complete(), &project)).unwrap().file_path.unwrap();
            assert!(path.exists());
            fs::remove_dir_all(&project).unwrap();
            sink.flush();
        }
    }

    #[test]
    fn readers_see_whole_documents_while_many_write_the_same_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = document_path(dir.path(), fixture::ID).unwrap();
        let sinks = [DocumentSink::new(), DocumentSink::new()];
        store(&sinks[0], &finished(fixture::complete(), dir.path())).unwrap();
        std::thread::scope(|scope| {
            for n in 0..4_usize {
                let (sink, dir) = (&sinks[n % 2], dir.path());
                scope.spawn(move || {
                    for round in 0..25_usize {
                        let mut trace = fixture::complete();
                        trace.outputs.insert("padding".into(), "x".repeat(n * 50_000 + round).into());
                        store(sink, &finished(trace, dir)).unwrap();
                    }
                });
            }
            for _ in 0..100 {
                read_document(&path).unwrap();
            }
        });
        assert_eq!(names(path.parent().unwrap()), [format!("{}.json", fixture::ID)]);
    }
}
