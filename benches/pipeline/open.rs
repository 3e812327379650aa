//! Very many traces open at once, while the database is away: memory stays bounded, and all are kept in the end.

use crate::outcome::Outcome;
use crate::process::peak_memory;
use crate::store::{self, Kept};
use crate::workload::{decide, observed};
use std::path::Path;
use std::time::{Duration, Instant};
use whytrace::files::TRACES_DIR;
use whytrace::{Run, TraceContext};

/// Opens them, records a little in each, then ends them all.
pub(crate) fn measure(quick: bool) -> Result<Outcome, String> {
    let count = if quick { 500 } else { 10_000 };
    let dir = store::folder()?;
    let tracer = store::tracer(&[Kept::Document, Kept::AwayPostgres], dir.path(), None)?;
    let began = Instant::now();
    let start = || tracer.scope(|| TraceContext::start(Run::new("bench")));
    let traces: Vec<TraceContext> = (0..count).map(|_| start()).collect();
    for n in 0..5 {
        for trace in &traces {
            trace.scope(|| {
                decide("source", n);
                observed(n);
            });
        }
    }
    let _ = tracer.flush(Duration::from_secs(60));
    let (opened, open_memory) = (began.elapsed(), peak_memory()?);
    traces.iter().for_each(TraceContext::mark_complete);
    drop(traces);
    store::settle(&tracer)?;
    let ended = began.elapsed();
    let kept = documents(dir.path())?;
    tracer.close(Duration::from_secs(10));
    Ok(Outcome::default()
        .figure("recorded", opened.as_secs_f64(), "s")
        .figure("peak while open", open_memory, "MiB")
        .figure("ended and kept", ended.as_secs_f64(), "s")
        .count("traces", count)
        .count("documents", kept))
}

/// The documents in the folder of the project. They are counted and not read: reading 10,000 would be the peak of memory.
fn documents(dir: &Path) -> Result<u64, String> {
    let folder = dir.join("bench").join(TRACES_DIR);
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let is_document = |path: &Path| path.extension().is_some_and(|extension| extension == "json");
    Ok(entries.flatten().filter(|entry| is_document(&entry.path())).count() as u64)
}
