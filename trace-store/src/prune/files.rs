//! The files of runs that are removed.

use super::{Criteria, Doomed, PruneError, Removed, stream};
use crate::files::{self, ReadError, TRACES_DIR};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use trace_core::collect::stream_file_name;

/// The documents that satisfy the criteria and have no row among `known`.
pub(super) fn without_rows(dir: &Path, criteria: &Criteria, known: &HashSet<String>) -> Result<Vec<Doomed>, ReadError> {
    let documents = match files::documents(dir) {
        Ok(documents) => documents,
        Err(ReadError::File { cause, .. }) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let limit = criteria.older_than.map(trace_core::model::Timestamp::compact);
    let mut found = Vec::new();
    for path in documents {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        // The id says when the run began, to the second: most documents need not be opened.
        let young = limit.as_deref().is_some_and(|limit| stem.get(4..19).is_some_and(|date| date > limit));
        if young || known.contains(stem) {
            continue;
        }
        let folder = path.parent().and_then(Path::parent).and_then(Path::file_name);
        let project_id = folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // What is no document is nobody's run.
        let Ok(trace) = files::import_document(&path) else { continue };
        if trace.trace_id == stem && criteria.fits(&trace, &project_id) {
            found.push(Doomed {
                trace_id: trace.trace_id,
                project_id,
                session_id: trace.session_id,
                started_at: trace.run.started_at,
                status: trace.run.status,
            });
        }
    }
    Ok(found)
}

/// Removes the files of a batch of runs.
pub(super) fn remove(dir: &Path, batch: &[Doomed], removed: &mut Removed) -> Result<(), PruneError> {
    let mut streams: BTreeMap<(&str, String), HashSet<&str>> = BTreeMap::new();
    for run in batch {
        let session = if run.session_id.is_empty() { &run.trace_id } else { &run.session_id };
        let ids = streams.entry((&run.project_id, stream_file_name(session))).or_default();
        ids.insert(&run.trace_id);
    }
    for ((project, name), ids) in streams {
        if let Some(traces_dir) = traces_dir(dir, project) {
            stream::drop_traces(&traces_dir, &name, &ids, removed)?;
        }
    }
    for run in batch {
        if let Some(traces_dir) = traces_dir(dir, &run.project_id) {
            remove_run(&traces_dir, run, removed)?;
        }
    }
    Ok(())
}

/// A project's folder of traces; `None` for a name that is no folder name: it comes from a row, which anybody may have written.
fn traces_dir(dir: &Path, project: &str) -> Option<std::path::PathBuf> {
    (trace_core::names::project_folder(project) == project).then(|| dir.join(project).join(TRACES_DIR))
}

fn remove_run(traces_dir: &Path, run: &Doomed, removed: &mut Removed) -> Result<(), PruneError> {
    let project_dir = traces_dir.parent().unwrap_or(traces_dir);
    // An id that is no file name has no files.
    let (Ok(document), Ok(summary)) =
        (files::document_path(project_dir, &run.trace_id), files::summary_path(project_dir, &run.trace_id))
    else {
        return Ok(());
    };
    if let Ok(trace) = files::import_document(&document) {
        for name in files::side_files_of(&trace).into_iter().filter(|name| is_side_file(name)) {
            removed.files += remove_file(&traces_dir.join(&name))?;
        }
    }
    removed.files += remove_file(&summary)?;
    removed.files += remove_file(&document)?;
    Ok(())
}

/// A document could name any file of the folder, such as the document of another run.
fn is_side_file(name: &str) -> bool {
    name.starts_with("llm_") || name.starts_with("validation_error_")
}

/// Removes a file; gives 1, or 0 where there is none.
pub(super) fn remove_file(path: &Path) -> Result<u64, PruneError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(1),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(cause) => Err(PruneError::Remove { path: path.to_owned(), cause }),
    }
}
