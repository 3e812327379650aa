//! A folder of documents without a database, made answerable by the same queries.
//!
//! Comes in: the documents below a folder, of this version, older ones, or the reference implementation. Goes out: a private SQLite database, filled
//! by the projection and the writer that fill every other, and one line for each file that is no document. It is gone with its connection.

use super::error::QueryError;
use super::pool::{PATIENCE, Pool};
use crate::files::{self, Problem, ReadError};
use crate::sql::dialect::Connection;
use crate::sql::migrate::Migrator;
use crate::sql::{DatabaseUrl, SqlError, writer};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use trace_core::model::Trace;
use trace_core::sink::FinishedTrace;

/// How many documents are written at once, and how many wait to be.
const BATCH: usize = 256;

/// How many threads read documents at most.
const READERS: usize = 8;

type Read = Result<FinishedTrace, Problem>;

/// Indexes the documents below a folder; also says which files were passed over.
pub(super) async fn index(folder: &Path) -> Result<(Pool, Vec<Problem>), QueryError> {
    let paths = files::documents(folder)?;
    let url = DatabaseUrl::temporary();
    url.compiled_in()?;
    let mut connection = Connection::open(&url, PATIENCE).await?;
    Migrator::new(&mut connection, &url).up().await?;
    let skipped = fill(&mut connection, &url, folder, paths).await?;
    Ok((Pool::of(connection, url, PATIENCE).await?, skipped))
}

async fn fill(
    connection: &mut Connection,
    url: &DatabaseUrl,
    folder: &Path,
    paths: Vec<PathBuf>,
) -> Result<Vec<Problem>, QueryError> {
    let refuse =
        |error: std::io::Error| QueryError::Index { folder: folder.display().to_string(), reason: error.to_string() };
    let mut incoming = read_all(folder, paths).map_err(refuse)?;
    let mut skipped = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    while incoming.recv_many(&mut batch, BATCH).await > 0 {
        let mut traces = Vec::with_capacity(batch.len());
        for read in batch.drain(..) {
            match read {
                Ok(trace) => traces.push(trace),
                Err(problem) => skipped.push(problem),
            }
        }
        let written = writer::write(connection, &traces, &mut writer::Checks::default()).await;
        written.map_err(|source| SqlError::Statement { doing: "indexing documents", url: url.clone(), source })?;
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(skipped)
}

/// Reads the documents on threads of their own; they end when nobody takes what they read.
fn read_all(folder: &Path, paths: Vec<PathBuf>) -> std::io::Result<mpsc::Receiver<Read>> {
    let (sender, receiver) = mpsc::channel(BATCH);
    let readers = std::thread::available_parallelism().map_or(1, usize::from).min(READERS).min(paths.len());
    let work = Arc::new((folder.to_owned(), paths, AtomicUsize::new(0)));
    for _ in 0..readers {
        let (work, sender) = (Arc::clone(&work), sender.clone());
        let run = move || {
            let (folder, paths, next) = &*work;
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(read) = read(folder, path)
                    && sender.blocking_send(read).is_err()
                {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("whytrace-index".to_owned()).spawn(run)?;
    }
    Ok(receiver)
}

/// Reads one document; `None` when it was deleted since the folder was read.
fn read(folder: &Path, path: &Path) -> Option<Read> {
    match files::import_inside(path, folder) {
        Ok(trace) => Some(Ok(finished(trace, path))),
        Err(ReadError::File { cause, .. }) if cause.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Err(Problem { path: path.to_owned(), message: files::one_line(&error.to_string(), 1_000) })),
    }
}

fn finished(mut trace: Trace, path: &Path) -> FinishedTrace {
    let project = path.parent().and_then(Path::parent);
    // A foreign document need not say of which project it is; its folder does.
    if trace.project_name.is_empty()
        && let Some(name) = project.and_then(Path::file_name)
    {
        trace.project_id = name.to_string_lossy().into_owned();
        trace.project_name.clone_from(&trace.project_id);
    }
    FinishedTrace { trace: Arc::new(trace), project_dir: project.map(Path::to_owned), sampled: true, again: false }
}
