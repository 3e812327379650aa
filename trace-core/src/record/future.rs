//! Stages and observations of asynchronous code.

use super::draft::{Begin, End};
use super::span::{self, panic_info};
use crate::context::local::{self, Local, Place};
use crate::model::Outcome;
use crate::registry::{Site, SiteKind};
use pin_project_lite::pin_project;
use std::any::Any;
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
    SpanFuture { inner: Some(future), done: Some(done), site, state: State::captured(begin) }
}

/// How far the span of a future has come.
pub(super) enum State {
    /// Not polled yet; nothing to capture.
    Bare,
    /// Not polled yet; arguments are captured.
    Captured(Box<Begin>),
    /// Not polled yet; the future begins its span itself.
    Inside,
    /// It began and was pending. On the heap: a future that is not recorded, or ready at once, need not have room for it.
    Running(Box<Running>),
    /// Nothing is recorded, or everything is.
    Passive,
}

/// A span between two polls.
pub(super) struct Running {
    id: u64,
    /// Where the span is. During a poll that came from another trace: where the thread was.
    place: Place,
    /// How the span ends, when a poll has panicked.
    pub(super) end: Option<End>,
}

impl State {
    /// Before the first poll, with what was captured, if anything.
    #[inline]
    pub(super) fn captured(begin: Option<Begin>) -> Self {
        begin.map_or(Self::Bare, |begin| Self::Captured(Box::new(begin)))
    }

    /// Whether a poll is just a poll: nothing is recorded here, or everything is. What is not recorded at the first poll never
    /// will be.
    #[inline(always)]
    pub(super) fn is_passive(&mut self, site: &'static Site) -> bool {
        let begins = match self {
            Self::Passive => return true,
            Self::Running(_) => return false,
            Self::Bare | Self::Captured(_) => span::is_recorded(site),
            // The future asks for itself, and says so if nothing is recorded.
            Self::Inside => span::recording(),
        };
        if !begins {
            self.forget();
        }
        !begins
    }

    /// Nothing will be recorded.
    #[inline(always)]
    #[expect(clippy::mem_forget, reason = "there is nothing to drop, and no code is executed to find that out")]
    fn forget(&mut self) {
        if let Self::Captured(_) = self {
            self.drop_captured();
        } else {
            std::mem::forget(std::mem::replace(self, Self::Passive));
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_captured(&mut self) {
        *self = Self::Passive;
    }
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
            let this = this.project();
            if let State::Running(running) = this.state {
                let mut inner = this.inner;
                // What is recorded while the inner future is dropped belongs to this span.
                dropped(running, this.site, &mut || inner.set(None));
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
pub(super) fn dropped(running: &mut Running, site: &'static Site, drop_inner: &mut dyn FnMut()) {
    local::with(|local| {
        local.swap(&mut running.place);
        drop_inner();
        let mut end = running.end.take().unwrap_or_else(|| End::of(Outcome::Cancelled));
        span::finish(local, local::key(), running.id, local.stage.get(), site.kind == SiteKind::Stage, &mut end);
        local.swap(&mut running.place);
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
        if this.state.is_passive(this.site) {
            return inner.poll(cx);
        }
        let done = this.done;
        poll_recorded(
            this.state,
            this.site,
            || inner.poll(cx),
            |poll, end| match poll {
                Poll::Ready(output) => {
                    if let Some(done) = done.take() {
                        done(output, end);
                    }
                    true
                }
                Poll::Pending => false,
            },
        )
    }
}

/// Polls in the place of the span, begins it before and ends it after where due. `look` tells whether the poll was the last
/// one, and fills in the end. Shared by futures and streams. Not inlined: what is not recorded should not step over it. It is compiled
/// for every annotated function, so all that does not depend on its types is elsewhere.
#[inline(never)]
pub(super) fn poll_recorded<T>(
    state: &mut State,
    site: &'static Site,
    poll: impl FnOnce() -> T,
    mut look: impl FnMut(&T, &mut End) -> bool,
) -> T {
    let Some(visit) = Visit::arrive(state, site) else {
        return poll(); // the thread is being torn down: nothing can be recorded
    };
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(polled) => {
            visit.leave_after(state, site, &mut |end| look(&polled, end));
            polled
        }
        Err(payload) => visit.unwind(state, site, payload),
    }
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
    /// The thread was elsewhere: its place was exchanged with that in [`Running`].
    FromElsewhere,
}

impl Visit {
    /// Brings the thread to the span; `None` while the thread is being torn down.
    fn arrive(state: &mut State, site: &'static Site) -> Option<Self> {
        local::with(|local| {
            let begun_around = local.begun.replace(0);
            let mut came = Came::Within { span: local.span.get(), stage: local.stage.get() };
            let id = match state {
                State::Running(running) => {
                    if running.place.trace.as_ref().is_some_and(|trace| trace.key == local::key()) {
                        local.span.set(running.place.span);
                        local.stage.set(running.place.stage);
                    } else {
                        local.swap(&mut running.place);
                        came = Came::FromElsewhere;
                    }
                    running.id
                }
                State::Bare => span::start_bare(local, site),
                State::Captured(_) => match std::mem::replace(state, State::Passive) {
                    State::Captured(begin) => span::start(local, *begin),
                    _ => 0,
                },
                State::Inside | State::Passive => 0,
            };
            Self { id, came, begun_around }
        })
    }

    /// Looks at what was polled, with the span's place still in force, then brings the thread back to where it was.
    fn leave_after(self, state: &mut State, site: &'static Site, look: &mut dyn FnMut(&mut End) -> bool) {
        local::with(|local| {
            let (id, mut end) = (self.id_of(local), End::default());
            if id == 0 {
                *state = State::Passive;
            } else if look(&mut end) {
                let is_stage = site.kind == SiteKind::Stage;
                let stage = if is_stage { id } else { local.stage.get() };
                span::finish(local, local::key(), id, stage, is_stage, &mut end);
                self.came.go_back(local, state);
                *state = State::Passive;
                return;
            } else {
                stay(local, state, id, None);
            }
            self.came.go_back(local, state);
        });
    }

    /// Records a panic, and lets it go on.
    #[cold]
    fn unwind(self, state: &mut State, site: &'static Site, payload: Box<dyn Any + Send>) -> ! {
        let end = End::panicked(panic_info(&*payload, Some(site)));
        local::with(|local| {
            match self.id_of(local) {
                0 => *state = State::Passive,
                id => stay(local, state, id, Some(end)),
            }
            self.came.go_back(local, state);
        });
        resume_unwind(payload)
    }

    /// The span, which the poll may have begun itself; 0 if there is none.
    fn id_of(&self, local: &Local) -> u64 {
        let begun_inside = local.begun.replace(self.begun_around);
        if self.id == 0 { begun_inside } else { self.id }
    }
}

/// Remembers the span's place for the next poll, or for its drop.
fn stay(local: &Local, state: &mut State, id: u64, end: Option<End>) {
    match state {
        State::Running(running) => running.end = end,
        _ => *state = State::Running(Box::new(Running { id, place: local.place(), end })),
    }
}

impl Came {
    fn go_back(self, local: &Local, state: &mut State) {
        match (self, state) {
            (Self::Within { span, stage }, _) => {
                local.span.set(span);
                local.stage.set(stage);
            }
            (Self::FromElsewhere, State::Running(running)) => local.swap(&mut running.place),
            (Self::FromElsewhere, _) => {}
        }
    }
}
