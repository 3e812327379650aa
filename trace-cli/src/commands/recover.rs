//! `recover`: ends what dead processes left open, and keeps it.

use super::Context;
use crate::failure::{Failure, NOTHING};
use crate::out::say;
use crate::words::counted;
use std::process::ExitCode;
use std::time::Duration;
use trace_core::redact::RedactConfig;
use trace_core::{Options, Tracer};

/// How long the last trace may take to be kept.
const FLUSH: Duration = Duration::from_secs(30);

pub(crate) fn run(context: &mut Context) -> Result<ExitCode, Failure> {
    let mut sinks = context.place.document_sinks();
    sinks.extend(context.place.rows_sink()?);
    let mut options = Options::default();
    options.dir = Some(context.place.settings.dir.clone());
    // What is in the streams has been redacted already.
    let tracer = Tracer::new(options, &RedactConfig::default(), sinks).map_err(Failure::of)?;
    let (recovered, errors) = trace_core::collect::recover(&tracer);
    for trace in &recovered {
        let rows = trace.report.database.as_str();
        let events = counted(trace.events, "event");
        context.out.line(&format!("{}  {}  incomplete, {events}, rows: {rows}", trace.trace_id, trace.project_id))?;
        trace.report.errors.iter().for_each(|error| say(error));
    }
    errors.iter().for_each(|error| say(&error.to_string()));
    if recovered.is_empty() && errors.is_empty() {
        context.out.line(&format!("no process left a trace open below {}", context.place.settings.dir.display()))?;
    }
    let kept = tracer.close(FLUSH) && recovered.iter().all(|trace| trace.report.errors.is_empty());
    Ok(if kept && errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}
