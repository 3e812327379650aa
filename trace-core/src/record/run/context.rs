//! Traces for code without macros.

use super::Run;
use super::open::{Opened, end, open, place_of};

use crate::context::shared::Shared;
use crate::context::{Ctx, Entered};
use crate::model::{ErrorInfo, Status};
use crate::record::guards::{ObservationGuard, StageGuard};
use crate::sink::FinishReport;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A trace, for code without macros: start it, record through it, finish it.
///
/// The trace is the current one only where [`TraceContext::enter`], [`TraceContext::scope`] or [`TraceContext::in_future`] make it so; the
/// methods of this type record into it from anywhere. Dropping it without [`TraceContext::finish`] ends the trace without
/// waiting: as it was marked, else as incomplete.
#[derive(Debug)]
pub struct TraceContext {
    shared: Option<Arc<Shared>>,
    /// Whether dropping this ends the trace.
    owner: bool,
}

impl TraceContext {
    /// Starts a trace; as a child of the current one, if there is one. Without a tracer, or for a project that is off, nothing is
    /// recorded and every method does nothing.
    #[must_use]
    pub fn start(run: Run) -> Self {
        let shared = match open(run) {
            Opened::Recorded(shared) if !cfg!(feature = "disabled") => Some(shared),
            _ => None,
        };
        Self { shared, owner: true }
    }

    /// The trace that is recorded where the caller stands. Dropping this handle does not end it.
    #[must_use]
    pub fn current() -> Option<Self> {
        let ctx = Ctx::current();
        ctx.is_recording().then(|| Self { shared: ctx.into_trace(), owner: false })
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.shared.is_some()
    }

    /// The id, `trc_YYYYMMDD_HHMMSS_<16 hex>`; empty when nothing is recorded.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.shared.as_ref().map_or("", |shared| &shared.trace_id)
    }

    /// The trace's own place, outside any stage.
    #[must_use]
    pub fn ctx(&self) -> Ctx {
        self.shared.as_ref().map_or_else(Ctx::default, |shared| Ctx::from_place(place_of(shared)))
    }

    /// Makes the trace the current one of this thread until the guard is dropped.
    #[must_use = "the trace is the current one until the guard is dropped"]
    pub fn enter(&self) -> Entered {
        self.ctx().enter()
    }

    /// Runs a closure with the trace as the current one.
    pub fn scope<R>(&self, code: impl FnOnce() -> R) -> R {
        self.ctx().scope(code)
    }

    /// A future with the trace as the current one.
    pub fn in_future<F: Future>(&self, future: F) -> crate::context::InContext<F> {
        self.ctx().in_future(future)
    }

    /// Begins a stage directly under the trace; it ends when the guard is dropped.
    #[must_use = "the stage ends when the guard is dropped"]
    pub fn stage(&self, name: impl Into<String>) -> StageGuard {
        self.scope(|| StageGuard::start(name))
    }

    /// Begins an observation directly under the trace; it ends when the guard is dropped.
    #[must_use = "the observation ends when the guard is dropped"]
    pub fn observe(&self, name: impl Into<String>, kind: impl Into<crate::model::Kind>) -> ObservationGuard {
        self.scope(|| ObservationGuard::start(name, kind))
    }

    /// The run did what it should.
    pub fn mark_complete(&self) {
        self.mark(Status::Complete);
    }

    /// The run ended early.
    pub fn mark_incomplete(&self) {
        self.mark(Status::Incomplete);
    }

    /// The run failed.
    pub fn mark_failed(&self, error: impl Into<ErrorInfo>) {
        if let Some(shared) = &self.shared {
            shared.set_error(error.into());
        }
        self.mark(Status::Failed);
    }

    fn mark(&self, status: Status) {
        if let Some(shared) = &self.shared {
            shared.mark(status);
        }
    }

    /// Ends the trace and waits until it is kept, 5 s at most. The future runs on any executor; [`Finish::wait`] blocks instead.
    #[must_use = "await it, or call `.wait()`"]
    pub fn finish(mut self) -> Finish {
        Finish { shared: self.shared.take().inspect(|shared| end(shared, Status::Incomplete, None)) }
    }
}

impl Drop for TraceContext {
    fn drop(&mut self) {
        if let (Some(shared), true) = (&self.shared, self.owner) {
            end(shared, Status::Incomplete, None);
        }
    }
}

/// How long a finished trace is waited for.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Becomes the [`FinishReport`] of a trace.
#[derive(Debug)]
pub struct Finish {
    shared: Option<Arc<Shared>>,
}

impl Finish {
    /// Blocks until the trace is kept, 5 s at most.
    #[must_use]
    pub fn wait(self) -> FinishReport {
        let Some(shared) = self.shared else { return FinishReport::default() };
        shared.completion.wait(FINISH_WITHIN)
    }
}

impl Future for Finish {
    type Output = FinishReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FinishReport> {
        match &self.shared {
            // The collector resolves it with what is known when the time is over.
            Some(shared) => shared.completion.poll(cx, FINISH_WITHIN),
            None => Poll::Ready(FinishReport::default()),
        }
    }
}
