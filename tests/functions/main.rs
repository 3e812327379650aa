//! Every kind of function, annotated: the recorded tree has the right names, nesting and outcomes, and durations are those of the work.

#![allow(clippy::unwrap_used)]

mod asynchronous;
mod decisions;
mod observed;
mod prompts;
mod runs;
mod streams;
mod synchronous;

use std::time::Duration;
use whytrace::model::{Observation, Stage, Trace};

/// How long the annotated functions work, and what their spans must show at least.
const WORK: Duration = Duration::from_millis(20);

/// The one stage of that name.
fn stage<'a>(trace: &'a Trace, name: &str) -> &'a Stage {
    &trace.stages[name]
}

/// The first observation of that name, in any stage.
fn observation<'a>(trace: &'a Trace, name: &str) -> &'a Observation {
    let mut all = trace.stages.values().flat_map(|stage| &stage.observations);
    all.find(|observation| observation.name == name).unwrap_or_else(|| panic!("no observation {name}"))
}

/// Asserts that a span took as long as the work in it: the constructor of a future or stream takes no time.
fn assert_worked(duration_ms: Option<f64>) {
    let duration = duration_ms.unwrap_or_default();
    assert!(duration >= 0.9 * WORK.as_secs_f64() * 1e3, "{duration} ms");
}

/// The printed tree without its first line, which is the run's.
fn tree(trace: &Trace) -> String {
    let tree = whytrace::testing::tree(trace);
    tree.lines().skip(1).map(|line| format!("{line}\n")).collect()
}
