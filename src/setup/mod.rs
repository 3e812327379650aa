//! From settings to a running tracer, and back to nothing lost when it stops.
//!
//! Comes in: environment, `whytrace.toml`, what a program sets on the [`TracerBuilder`]. Goes out: the tracer of the process, and a
//! [`Guard`] that flushes when dropped.

mod builder;
mod guard;

pub use builder::{InitError, TracerBuilder};
pub use guard::{Guard, Shutdown};

use std::time::{Duration, Instant};

/// How long stopping waits for what is still to be kept.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// Where traces go: [`Tracer::builder`] sets it up, [`init`] does so from the environment alone.
#[derive(Debug)]
pub enum Tracer {}

impl Tracer {
    /// A tracer to be configured in code. It starts from what environment and `whytrace.toml` say; what is set on the builder wins.
    ///
    /// ```no_run
    /// let _guard = whytrace::Tracer::builder().dir("my-traces").sample(0.1).init();
    /// ```
    pub fn builder() -> TracerBuilder {
        TracerBuilder::from_surroundings()
    }
}

/// Sets tracing up from the environment and `whytrace.toml`; see `docs/configuration.md`. Nothing set: documents and event streams below
/// `./traces/`, rows in `./traces/whytrace.db`.
///
/// It never fails the program: what is wrong is said on stderr, and what can work does. Keep the guard until the end of `main`; dropping
/// it waits up to 5 s until everything is kept. It needs no async runtime.
///
/// ```no_run
/// let _guard = whytrace::init();
/// // … the program, until the end of `main`
/// ```
#[must_use = "tracing stops when the guard is dropped: `let _guard = whytrace::init();`"]
pub fn init() -> Guard {
    Tracer::builder().init()
}

/// The same, but says why it cannot.
///
/// # Errors
/// When a setting is not valid, the folder cannot be made, or a tracer is installed already.
pub fn try_init() -> Result<Guard, InitError> {
    Tracer::builder().try_init()
}

/// Waits until all that was recorded so far is in the event streams, and all traces that have ended are kept; `timeout` at most.
/// For programs that leave through `std::process::exit`, which drops no guard. Returns whether that was reached.
pub fn flush(timeout: Duration) -> bool {
    let began = Instant::now();
    let logged = flush_prompts(timeout);
    trace_core::Tracer::global().is_none_or(|tracer| tracer.flush(timeout.saturating_sub(began.elapsed()))) && logged
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::prompts::{flush as flush_prompts, stop as stop_prompts};

/// Without a database there is no registry of prompts that had to be waited for.
#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
fn flush_prompts(_within: Duration) -> bool {
    true
}

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
fn stop_prompts(_within: Duration) {}

/// Ends, as incomplete, what processes of the past left open, and keeps it. It runs at every start by itself; calling it is only needed to
/// wait for it. Traces of running processes are left alone.
#[must_use]
pub fn recover() -> (Vec<trace_core::collect::Recovered>, Vec<trace_core::collect::RecoverError>) {
    trace_core::Tracer::global().map_or_else(Default::default, |tracer| trace_core::collect::recover(&tracer))
}
