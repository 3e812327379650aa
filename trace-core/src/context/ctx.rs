use super::local::{self, Place};
use crate::tracer::Tracer;
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The place of the running code in its trace, to be carried to where the thread-local does not reach.
///
/// ```
/// # use trace_core::context::Ctx;
/// let ctx = Ctx::current();
/// std::thread::spawn(ctx.in_fn(|| { /* records into the same trace and stage */ })).join().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Ctx {
    place: Place,
}

impl Ctx {
    /// The place of the caller; empty outside any trace.
    #[must_use]
    pub fn current() -> Self {
        if !super::shared::Gate::now().is_open() {
            return Self::default();
        }
        Self { place: local::with(local::Local::place).unwrap_or_default() }
    }

    pub(crate) fn from_place(place: Place) -> Self {
        Self { place }
    }

    pub(crate) fn into_trace(self) -> Option<std::sync::Arc<super::shared::Shared>> {
        self.place.trace
    }

    /// A place where nothing is recorded, on purpose.
    pub(crate) fn muted() -> Self {
        Self { place: Place { muted: true, ..Place::default() } }
    }

    /// A place outside any trace, where traces started go to `tracer`.
    pub(crate) fn of_tracer(tracer: Tracer) -> Self {
        Self { place: Place { tracer: Some(tracer), ..Place::default() } }
    }

    /// Whether a trace is recorded here.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.place.trace.is_some() && !self.place.muted
    }

    /// The id of the trace.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.place.trace.as_ref().map(|trace| trace.trace_id.as_str())
    }

    /// The conversation or job that the trace belongs to; that of a trace without one is the trace's own id.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.place.trace.as_ref().map(|trace| trace.session_id.as_str())
    }

    /// Who the trace is run for, as far as it was said so far.
    #[must_use]
    pub fn user_id(&self) -> Option<String> {
        self.place.trace.as_ref()?.user()
    }

    /// The W3C `traceparent` header for calls made from here (`00-<trace id>-<span id>-01`).
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let trace = self.place.trace.as_ref()?;
        Some(format!("00-{}-{:016x}-01", trace.otel_trace_id, self.place.span))
    }

    /// The W3C `tracestate` header for calls made from here: the id of this trace, then what other vendors gave it to pass on.
    #[must_use]
    pub fn tracestate(&self) -> Option<String> {
        self.place.trace.as_ref().map(|trace| trace.carried.tracestate(&trace.trace_id))
    }

    /// The W3C `baggage` header for calls made from here: what the trace was given to pass on, see [`Run::baggage`](crate::record::Run::baggage).
    #[must_use]
    pub fn baggage(&self) -> Option<String> {
        self.place.trace.as_ref().and_then(|trace| trace.carried.baggage())
    }

    /// Puts this thread into this place until the guard is dropped.
    #[must_use = "the place is left when the guard is dropped"]
    pub fn enter(&self) -> Entered {
        let mut place = self.place.clone();
        local::with(|local| local.swap(&mut place));
        Entered { before: place, _not_send: PhantomData }
    }

    /// Runs a closure in this place.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        f()
    }

    /// A future that runs in this place, on whatever thread it is polled.
    pub fn in_future<F: Future>(&self, future: F) -> InContext<F> {
        InContext { inner: Some(future), place: self.place.clone() }
    }

    /// A closure that runs in this place, on whatever thread it is called.
    pub fn in_fn<R, F: FnOnce() -> R>(&self, f: F) -> impl FnOnce() -> R + use<R, F> {
        let ctx = self.clone();
        move || ctx.scope(f)
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx")
            .field("trace_id", &self.trace_id())
            .field("span", &self.place.span)
            .finish_non_exhaustive()
    }
}

/// Why an [`Entered`] is not `Send`: the place belongs to the thread. In async code use [`Ctx::in_future`].
#[derive(Debug)]
pub struct DontHoldAcrossAwait(#[allow(dead_code)] *mut ());

/// Restores the former place of this thread when dropped.
pub struct Entered {
    before: Place,
    _not_send: PhantomData<DontHoldAcrossAwait>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        local::with(|local| local.swap(&mut self.before));
    }
}

impl std::fmt::Debug for Entered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entered")
    }
}

pin_project! {
    /// A future that is polled, and dropped, in the place of a [`Ctx`].
    pub struct InContext<F: Future> {
        #[pin]
        inner: Option<F>,
        place: Place,
    }

    impl<F: Future> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _restore = Swapped::new(this.place);
            this.inner.set(None);
        }
    }
}

impl<F: Future> std::fmt::Debug for InContext<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InContext")
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _restore = Swapped::new(this.place);
        match this.inner.as_mut().as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => Poll::Pending, // only after drop
        }
    }
}

/// A place swapped with the thread's, swapped back when this is dropped, also by a panic.
pub(crate) struct Swapped<'a>(&'a mut Place);

impl<'a> Swapped<'a> {
    pub(crate) fn new(place: &'a mut Place) -> Self {
        local::with(|local| local.swap(place));
        Self(place)
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        local::with(|local| local.swap(self.0));
    }
}
