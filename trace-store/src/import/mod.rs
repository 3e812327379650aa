//! Brings traces from elsewhere into a folder of traces and its database.
//!
//! Comes in: files: documents of this version, of others and of the reference implementation, and event streams. Goes out: the same traces
//! at the sinks, and a [`Report`]. Importing twice is importing once: a document that is there already stays, and its rows are written
//! again, which changes nothing. So importing a folder of traces into itself fills an empty database.

mod find;

pub use find::{Source, find};

use crate::files::{self, FileError, Problem, TRACES_DIR};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trace_core::collect::traces_of_stream;
use trace_core::model::{Status, Trace};
use trace_core::names::project_folder;
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink, Stored};

/// How many traces go to the sinks together.
const BATCH: usize = 64;

/// The project of a trace that names none and lies in no project's folder.
const NO_PROJECT: &str = "imported";

/// What became of the files.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Traces that are new in the folder.
    pub imported: u64,
    /// Traces that were there already.
    pub present: u64,
    /// Traces whose rows are in the database.
    pub saved: u64,
    /// Traces whose rows wait in the outbox.
    pub queued: u64,
    /// What could not be taken, one line for each file or trace.
    pub skipped: Vec<Problem>,
}

/// Takes files in, one after the other.
pub struct Importer {
    dir: PathBuf,
    documents: Vec<Arc<dyn Sink>>,
    rows: Option<Arc<dyn Sink>>,
    waiting: Vec<(FinishedTrace, PathBuf)>,
    seen: HashSet<String>,
    report: Report,
}

impl std::fmt::Debug for Importer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Importer").field("dir", &self.dir).field("report", &self.report).finish_non_exhaustive()
    }
}

impl Importer {
    /// An importer into the folder of all traces; `documents` write what is new, `rows` writes rows.
    #[must_use]
    pub fn new(dir: &Path, documents: Vec<Arc<dyn Sink>>, rows: Option<Arc<dyn Sink>>) -> Self {
        Self {
            dir: dir.to_owned(),
            documents,
            rows,
            waiting: Vec::new(),
            seen: HashSet::new(),
            report: Report::default(),
        }
    }

    /// Takes the traces of one file. What cannot be taken is noted in the report.
    pub fn take(&mut self, source: &Source) {
        let traces = match source {
            Source::Document(path) => {
                files::import_document(path).map(|trace| vec![trace]).map_err(|error| error.to_string())
            }
            Source::Stream(path) => read_stream(path).map_err(|reason| format!("{}: {reason}", path.display())),
        };
        let path = source.path();
        match traces {
            Ok(traces) => traces.into_iter().for_each(|trace| self.take_trace(trace, path)),
            Err(message) => self.note(path, &message),
        }
    }

    /// Writes what still waits.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.store();
        for sink in self.documents.iter().chain(&self.rows) {
            sink.flush();
        }
        self.report
    }

    fn take_trace(&mut self, mut trace: Trace, path: &Path) {
        // A document and the stream it was folded from are one trace; documents come first.
        if !self.seen.insert(trace.trace_id.clone()) {
            return;
        }
        if trace.run.status == Status::InProgress {
            let id = files::one_line(&trace.trace_id, 64);
            return self.skip(
                path,
                &format!("trace {id} has not ended; `whytrace recover` ends what dead processes left open"),
            );
        }
        place(&mut trace, path);
        let project_dir = self.dir.join(&trace.project_id);
        let there = match files::document_path(&project_dir, &trace.trace_id) {
            Ok(there) => there,
            Err(error) => return self.skip(path, &error.to_string()),
        };
        let kept = files::read_document(&there).ok();
        if kept.is_none()
            && let Err(error) = copy_side_files(&trace, path, &there)
        {
            return self.skip(path, &error.to_string());
        }
        let is_new = kept.is_none();
        let trace = Arc::new(kept.unwrap_or(trace));
        let finished = FinishedTrace { trace, project_dir: Some(project_dir), sampled: true, again: false };
        if is_new {
            if let Err(reason) = write_documents(&self.documents, &finished) {
                return self.skip(path, &reason);
            }
            self.report.imported += 1;
        } else {
            self.report.present += 1;
        }
        self.waiting.push((finished, path.to_owned()));
        if self.waiting.len() >= BATCH {
            self.store();
        }
    }

    /// Writes the rows of what waits.
    fn store(&mut self) {
        let (traces, paths): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().unzip();
        let Some(rows) = self.rows.clone().filter(|_| !traces.is_empty()) else { return };
        for (result, path) in rows.store(&traces).into_iter().zip(paths) {
            match result {
                Ok(Stored { database: Some(DatabaseStatus::Queued), .. }) => self.report.queued += 1,
                Ok(_) => self.report.saved += 1,
                Err(error) if error.database == Some(DatabaseStatus::Queued) => self.report.queued += 1,
                Err(error) => self.skip(&path, &error.message),
            }
        }
    }

    fn skip(&mut self, path: &Path, reason: &str) {
        self.note(path, &format!("{}: {reason}", path.display()));
    }

    fn note(&mut self, path: &Path, message: &str) {
        let message = files::one_line(message, 1_000);
        self.report.skipped.push(Problem { path: path.to_owned(), message });
    }
}

fn write_documents(sinks: &[Arc<dyn Sink>], finished: &FinishedTrace) -> Result<(), String> {
    let mut results = sinks.iter().flat_map(|sink| sink.store(std::slice::from_ref(finished)));
    results.try_for_each(|result| result.map(|_| ()).map_err(|error| error.message))
}

/// Gives the trace a project: its own, else that of the folder it lies in.
fn place(trace: &mut Trace, path: &Path) {
    let folder = || {
        let traces_dir = path.parent().filter(|parent| parent.ends_with(TRACES_DIR))?;
        Some(traces_dir.parent()?.file_name()?.to_string_lossy().into_owned())
    };
    let named = [&trace.project_id, &trace.project_name].into_iter().find(|name| !name.is_empty()).cloned();
    let name = named.or_else(folder).unwrap_or_else(|| NO_PROJECT.to_owned());
    trace.project_id = project_folder(&name);
    if trace.project_name.is_empty() {
        trace.project_name = name;
    }
}

/// Copies the side files that the document names; one that is gone stays gone.
fn copy_side_files(trace: &Trace, from: &Path, document: &Path) -> Result<(), FileError> {
    let (Some(from), Some(to)) = (from.parent(), document.parent()) else { return Ok(()) };
    for name in files::side_files_of(trace) {
        let (source, target) = (from.join(&name), to.join(&name));
        if !target.exists() && source.is_file() {
            files::copy(&source, &target)?;
        }
    }
    Ok(())
}

fn read_stream(path: &Path) -> Result<Vec<Trace>, String> {
    match traces_of_stream(path) {
        Ok(traces) if traces.is_empty() => Err("it holds no event of a trace".to_owned()),
        Ok(traces) => Ok(traces),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
