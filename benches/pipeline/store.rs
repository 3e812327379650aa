//! Tracers with the sinks that a case asks for, in a folder of their own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use trace_core::Tracer;
use whytrace::Options;
use whytrace::files::DocumentSink;
use whytrace::redact::RedactConfig;
use whytrace::sink::Sink;
use whytrace::sql::{DatabaseUrl, RowsOptions, RowsSink};

/// What is kept of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Document,
    Sqlite,
    Postgres,
    /// Rows for a database that nobody serves.
    AwayPostgres,
}

/// The server that tests may use.
pub(crate) fn postgres_url() -> Option<String> {
    std::env::var("WHYTRACE_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

/// A folder on the disk that holds the build, which is rarely one in memory as `/tmp` may be.
pub(crate) fn folder() -> Result<TempDir, String> {
    let parent = env!("CARGO_TARGET_TMPDIR");
    std::fs::create_dir_all(parent)
        .and_then(|()| tempfile::tempdir_in(parent))
        .map_err(|error| format!("cannot make a folder in {parent}: {error}"))
}

/// A tracer that keeps this in this folder. Keeping nothing, it writes no event stream either.
pub(crate) fn tracer(kept: &[Kept], dir: &Path, max_wait: Option<Duration>) -> Result<Tracer, String> {
    let mut options = Options::default();
    options.max_wait = max_wait;
    options.dir = (!kept.is_empty()).then(|| dir.to_owned());
    let sinks = kept.iter().map(|kept| sink(*kept, dir)).collect::<Result<_, _>>()?;
    Tracer::new(options, &RedactConfig::default(), sinks).map_err(|error| error.to_string())
}

fn sink(kept: Kept, dir: &Path) -> Result<Arc<dyn Sink>, String> {
    let url = match kept {
        Kept::Document => return Ok(Arc::new(DocumentSink::new())),
        Kept::Sqlite => Ok(DatabaseUrl::sqlite_file(&dir.join("whytrace.db"))),
        Kept::Postgres => postgres_url().ok_or("WHYTRACE_TEST_DATABASE_URL is not set")?.parse(),
        Kept::AwayPostgres => "postgres://nobody@127.0.0.1:1/nothing".parse(),
    };
    let url = url.map_err(|error| error.to_string())?;
    let sink = RowsSink::new(&url, dir, RowsOptions::default()).map_err(|error| error.to_string())?;
    Ok(Arc::new(sink))
}

/// Waits until everything is kept.
pub(crate) fn settle(tracer: &Tracer) -> Result<(), String> {
    if tracer.flush(Duration::from_secs(300)) {
        Ok(())
    } else {
        Err("not everything was kept within five minutes".to_owned())
    }
}
