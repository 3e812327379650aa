//! One trace with very many observations: no step of its way may be worse than linear.

use crate::outcome::Outcome;
use crate::store::{self, Kept};
use crate::workload::observed;
use std::time::Instant;
use whytrace::files::{read_document, summary};
use whytrace::{GatePolicy, Run, TraceContext};

/// Records, keeps, reads back and summarises it.
pub(crate) fn measure(observations: u64) -> Result<Outcome, String> {
    let dir = store::folder()?;
    let tracer = store::tracer(&[Kept::Document, Kept::Sqlite], dir.path(), None)?;
    let began = Instant::now();
    let trace = tracer.scope(|| TraceContext::start(Run::new("bench")));
    trace.scope(|| (0..observations).for_each(|n| _ = observed(n)));
    trace.mark_complete();
    let recorded = began.elapsed();
    let report = trace.finish().wait();
    store::settle(&tracer)?;
    let kept = began.elapsed();
    let path = report.file_path.ok_or("no document was written")?;
    let began = Instant::now();
    let document = read_document(&path).map_err(|error| error.to_string())?;
    let read = began.elapsed();
    let began = Instant::now();
    let summary = summary(&document, GatePolicy::default().scale);
    let summarised = began.elapsed();
    Ok(Outcome::default()
        .figure("recorded", recorded.as_secs_f64() * 1e3, "ms")
        .figure("kept", kept.as_secs_f64() * 1e3, "ms")
        .figure("read", read.as_secs_f64() * 1e3, "ms")
        .figure("summarised", summarised.as_secs_f64() * 1e3, "ms")
        .figure("summary", summary.len() as f64 / 1024.0, "KiB")
        .count("dropped", report.dropped))
}
