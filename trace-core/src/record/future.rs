//! Stages and observations of asynchronous code.

use super::draft::{Begin, End};
use super::span::{self, panic_info};
use crate::context::local::{self, Local, Place};
use crate::context::shared::gate_is_open;
use crate::model::Outcome;
use crate::registry::{Site, SiteKind};
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future whose span begins, with nothing captured, when it is first polled.
#[inline]
pub fn future<F, D>(site: &'static Site, future: F, done: D) -> SpanFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    SpanFuture { inner: Some(future), done: Some(done), site, state: State::Bare }
}

/// A future whose own first statement begins its span ([`Begin::attach`]).
#[inline]
pub fn future_begun<F, D>(site: &'static Site, future: F, done: D) -> SpanFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    SpanFuture { inner: Some(future), done: Some(done), site, state: State::Inside }
}

/// A future whose span begins, with what was captured before, when it is first polled.
#[inline]
pub fn future_with<F, D>(site: &'static Site, begin: Option<Begin>, future: F, done: D) -> SpanFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    let state = begin.map_or(State::Bare, State::Captured);
    SpanFuture { inner: Some(future), done: Some(done), site, state }
}

/// How far the span of a future has come.
pub(super) enum State {
    /// Not polled yet; nothing to capture.
    Bare,
    /// Not polled yet; arguments are captured.
    Captured(Begin),
    /// Not polled yet; the future begins its span itself.
    Inside,
    /// It began and was pending.
    Running { id: u64, place: Place, panicked: Option<Box<End>> },
    /// Nothing is recorded, or everything is.
    Passive,
}

pin_project! {
    /// A future that is a stage or an observation: it begins at the first poll and ends when the future is ready, panics, or is
    /// dropped before (cancelled).
    pub struct SpanFuture<F: Future, D> {
        #[pin]
        inner: Option<F>,
        done: Option<D>,
        site: &'static Site,
        state: State,
    }

    impl<F: Future, D> PinnedDrop for SpanFuture<F, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let State::Running { id, place, panicked } = this.state {
                // What is recorded while the inner future is dropped belongs to this span.
                let site = *this.site;
                dropped(*id, place, panicked.take(), site, || this.inner.set(None));
            }
        }
    }
}

impl<F: Future, D> std::fmt::Debug for SpanFuture<F, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpanFuture").field("site", &self.site.name).finish_non_exhaustive()
    }
}

/// Ends a span whose future or stream is dropped before it was done.
pub(super) fn dropped(
    id: u64,
    place: &mut Place,
    panicked: Option<Box<End>>,
    site: &'static Site,
    drop_inner: impl FnOnce(),
) {
    local::with(|local| {
        local.swap(place);
        drop_inner();
        let end = panicked.map_or_else(|| End { outcome: Some(Outcome::Cancelled), ..End::default() }, |end| *end);
        span::finish(local, local.key(), id, local.stage.get(), site, end);
        local.swap(place);
    });
}

impl<F, D> Future for SpanFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        match this.state {
            State::Passive => return inner.poll(cx),
            State::Bare | State::Captured(_) | State::Inside if !gate_is_open() => {
                *this.state = State::Passive;
                return inner.poll(cx);
            }
            _ => {}
        }
        let done = this.done;
        poll_recorded(this.state, this.site, || inner.poll(cx), |poll, end| match poll {
            Poll::Ready(output) => {
                if let Some(done) = done.take() {
                    done(output, end);
                }
                true
            }
            Poll::Pending => false,
        })
    }
}

/// Polls in the place of the span, begins it before and ends it after where due. `look` tells whether the poll was the last
/// one, and fills in the end. Shared by futures and streams.
pub(super) fn poll_recorded<T>(
    state: &mut State,
    site: &'static Site,
    poll: impl FnOnce() -> T,
    look: impl FnOnce(&T, &mut End) -> bool,
) -> T {
    let Some(visit) = local::with(|local| Visit::arrive(local, state, site)) else {
        return poll(); // the thread is being torn down: nothing can be recorded
    };
    let polled = match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(polled) => polled,
        Err(payload) => {
            let mut end = End::default();
            end.error(panic_info(&*payload, Some(site)));
            end.outcome = Some(Outcome::Panicked);
            local::with(|local| visit.leave(local, state, site, |_| Leave::Panicked(end)));
            resume_unwind(payload)
        }
    };
    local::with(|local| {
        visit.leave(local, state, site, |recorded| {
            if !recorded {
                return Leave::Passive;
            }
            let mut end = End::default();
            // What the user wrote to describe the result may panic; that must not reach the program.
            match catch_unwind(AssertUnwindSafe(|| look(&polled, &mut end))) {
                Ok(false) => Leave::Pending,
                Ok(true) => Leave::Done(end),
                Err(payload) => {
                    end.capture_panicked(&*payload);
                    Leave::Done(end)
                }
            }
        });
    });
    polled
}

/// What is to become of a span after a poll.
enum Leave {
    Pending,
    Done(End),
    Panicked(End),
    Passive,
}

/// The stay of a span on a thread, for one poll.
struct Visit {
    /// The span, once it has begun.
    id: u64,
    came: Came,
    /// What the surrounding poll had begun.
    begun_around: u64,
}

/// How the span came onto the thread.
enum Came {
    /// The thread is in the span's trace: only span and stage had to be exchanged.
    Within { span: u64, stage: u64 },
    /// The thread was elsewhere: everything was exchanged.
    From(Place),
}

impl Visit {
    fn arrive(local: &Local, state: &mut State, site: &'static Site) -> Self {
        let begun_around = local.begun.replace(0);
        let within = Came::Within { span: local.span.get(), stage: local.stage.get() };
        match std::mem::replace(state, State::Passive) {
            State::Running { id, mut place, panicked } => {
                if place.trace.as_ref().is_some_and(|trace| trace.key == local.key()) {
                    local.span.set(place.span);
                    local.stage.set(place.stage);
                    // The place is kept for the next poll: cloning it again would cost two shared counters.
                    *state = State::Running { id, place, panicked };
                    Self { id, came: within, begun_around }
                } else {
                    local.swap(&mut place);
                    Self { id, came: Came::From(place), begun_around }
                }
            }
            State::Bare => Self { id: span::start_if_recorded(local, site, None), came: within, begun_around },
            State::Captured(begin) => {
                let id = span::start_if_recorded(local, site, Some(begin.opening));
                Self { id, came: within, begun_around }
            }
            State::Inside | State::Passive => Self { id: 0, came: within, begun_around },
        }
    }

    /// Decides with the span's place still in force, then brings the thread back to where it was.
    fn leave(self, local: &Local, state: &mut State, site: &'static Site, decide: impl FnOnce(bool) -> Leave) {
        let begun_inside = local.begun.replace(self.begun_around);
        let id = if self.id == 0 { begun_inside } else { self.id };
        match decide(id != 0) {
            Leave::Pending => return stay(local, self.came, state, id, None),
            Leave::Panicked(end) if id != 0 => return stay(local, self.came, state, id, Some(Box::new(end))),
            Leave::Done(end) => {
                let stage = if site.kind == SiteKind::Stage { id } else { local.stage.get() };
                span::finish(local, local.key(), id, stage, site, end);
            }
            Leave::Panicked(_) | Leave::Passive => {}
        }
        *state = State::Passive;
        restore(local, self.came);
    }
}

/// Remembers the span's place for the next poll, or for its drop, and brings the thread back.
fn stay(local: &Local, came: Came, state: &mut State, id: u64, panicked: Option<Box<End>>) {
    if let State::Running { panicked: slot, .. } = state {
        *slot = panicked;
        restore(local, came);
        return;
    }
    let place = match came {
        Came::Within { span, stage } => {
            let place = local.place();
            local.span.set(span);
            local.stage.set(stage);
            place
        }
        Came::From(mut around) => {
            local.swap(&mut around);
            around
        }
    };
    *state = State::Running { id, place, panicked };
}

fn restore(local: &Local, came: Came) {
    match came {
        Came::Within { span, stage } => {
            local.span.set(span);
            local.stage.set(stage);
        }
        Came::From(mut around) => local.swap(&mut around),
    }
}
