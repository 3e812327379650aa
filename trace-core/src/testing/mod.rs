//! Runs of a pipeline captured for a test: no files, no global state, and parallel tests do not meet.
//!
//! Comes in: the code under test. Goes out: the traces it left, to assert on, or their printed tree.

mod tree;

pub use crate::registry::assert_conformance;
pub use tree::tree;

use crate::context::{Ctx, InContext};
use crate::model::Trace;
use crate::record::{Run, TraceContext};
use crate::redact::RedactConfig;
use crate::sink::{FinishedTrace, Sink, SinkError, Stored};
use crate::tracer::{Options, Tracer, TracerError};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a capture waits for the collector.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a captured run returned and recorded.
///
/// ```
/// # use trace_core::{record::facts, testing};
/// let run = testing::trace(|| facts::set("tier_config", "free"));
/// assert_eq!(run.trace().run.fields["tier_config"], "free");
/// ```
#[derive(Clone, Debug)]
pub struct Captured<R> {
    /// What the code returned.
    pub value: R,
    traces: Vec<Trace>,
}

impl<R> Captured<R> {
    /// The traces, in the order in which they began.
    #[must_use]
    pub fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// The printed tree of the one trace: see [`tree`].
    ///
    /// # Panics
    /// When there is no trace, or more than one.
    #[must_use]
    #[track_caller]
    pub fn tree(&self) -> String {
        tree(self.trace())
    }

    /// The one trace.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn trace(&self) -> &Trace {
        match self.traces.as_slice() {
            [trace] => trace,
            [] => panic!("nothing was recorded: is there a #[traced_run] on the way, or use `testing::trace`?"),
            traces => panic!("{} traces were recorded, not one: use `traces()`", traces.len()),
        }
    }
}

/// Runs code and captures the traces that it starts.
///
/// # Panics
/// When the collector cannot be started, which is a failed test.
pub fn capture<R>(code: impl FnOnce() -> R) -> Captured<R> {
    let capture = Capture::new();
    let value = capture.scope(code);
    Captured { value, traces: capture.finish() }
}

/// Runs a future and captures the traces that it starts.
///
/// # Panics
/// When the collector cannot be started, which is a failed test.
pub async fn capture_async<F: Future>(future: F) -> Captured<F::Output> {
    let capture = Capture::new();
    let value = capture.in_future(future).await;
    Captured { value, traces: capture.finish() }
}

/// Runs code inside of a trace of the project `test`, so that stages without a run around them are captured.
///
/// # Panics
/// When the collector cannot be started, which is a failed test.
pub fn trace<R>(code: impl FnOnce() -> R) -> Captured<R> {
    capture(|| {
        let trace = TraceContext::start(Run::new("test"));
        let value = trace.scope(code);
        trace.mark_complete();
        value
    })
}

/// Runs a future inside of a trace of the project `test`, so that stages without a run around them are captured.
///
/// # Panics
/// When the collector cannot be started, which is a failed test.
pub async fn trace_async<F: Future>(future: F) -> Captured<F::Output> {
    capture_async(async {
        let trace = TraceContext::start(Run::new("test"));
        let value = trace.in_future(future).await;
        trace.mark_complete();
        value
    })
    .await
}

/// A tracer of its own that keeps what it gets in memory. For what [`capture`] cannot do: several pieces of code, limits, panics.
#[derive(Debug)]
pub struct Capture {
    tracer: Tracer,
    kept: Arc<Kept>,
}

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Arc<Trace>>>);

impl Kept {
    fn traces(&self) -> MutexGuard<'_, Vec<Arc<Trace>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Kept {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        let mut kept = self.traces();
        for finished in traces {
            match kept.iter_mut().find(|trace| trace.trace_id == finished.trace.trace_id) {
                Some(trace) => *trace = Arc::clone(&finished.trace),
                None => kept.push(Arc::clone(&finished.trace)),
            }
        }
        traces.iter().map(|_| Ok(Stored::default())).collect()
    }
}

impl Default for Capture {
    fn default() -> Self {
        Self::new()
    }
}

impl Capture {
    /// A capture with the default limits.
    ///
    /// # Panics
    /// When the collector cannot be started, which is a failed test.
    #[must_use]
    pub fn new() -> Self {
        match Self::with(Options::default(), &RedactConfig::default()) {
            Ok(capture) => capture,
            Err(error) => panic!("cannot capture: {error}"),
        }
    }

    /// A capture with limits and rules of its own.
    ///
    /// # Errors
    /// When a rule is not valid, or the collector cannot be started.
    pub fn with(options: Options, redact: &RedactConfig) -> Result<Self, TracerError> {
        let kept = Arc::new(Kept::default());
        let tracer = Tracer::new(options, redact, vec![Arc::clone(&kept) as Arc<dyn Sink>])?;
        Ok(Self { tracer, kept })
    }

    /// Runs code whose traces are captured.
    pub fn scope<R>(&self, code: impl FnOnce() -> R) -> R {
        self.tracer.scope(code)
    }

    /// A future whose traces are captured.
    pub fn in_future<F: Future>(&self, future: F) -> InContext<F> {
        Ctx::of_tracer(self.tracer.clone()).in_future(future)
    }

    /// The traces that have ended so far, in the order in which they began.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        self.tracer.flush(PATIENCE);
        self.sorted()
    }

    /// Ends what still runs as incomplete; all traces, in the order in which they began.
    #[must_use]
    pub fn finish(self) -> Vec<Trace> {
        self.tracer.close(PATIENCE);
        self.sorted()
    }

    fn sorted(&self) -> Vec<Trace> {
        let mut traces: Vec<Trace> = self.kept.traces().iter().map(|trace| Trace::clone(trace)).collect();
        traces.sort_by_key(|trace| trace.run.started_at);
        traces
    }
}
