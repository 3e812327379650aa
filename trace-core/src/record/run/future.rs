//! Asynchronous functions that are whole traces.

use super::Run;
use super::open::{Opened, end_with, open_at, panic_end, place_of};
use crate::context::Swapped;
use crate::context::local::{self, Place};
use crate::context::shared::Shared;
use crate::model::Outcome;
use crate::record::draft::End;
use crate::registry::Site;
use pin_project_lite::pin_project;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Starts the trace of the future that was given to [`run_future`], as that future's first statement.
pub fn run_begin(site: &'static Site, run: impl FnOnce() -> Run) {
    let mut place = match open_at(site, run) {
        Opened::Recorded(shared) => place_of(&shared),
        Opened::Muted => Place { muted: true, ..Place::default() },
        Opened::NoTracer => return,
    };
    local::with(|local| local.swap(&mut place));
}

/// A future that is a whole trace; its first statement is [`run_begin`].
pub fn run_future<F, D>(site: &'static Site, future: F, done: D) -> RunFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    RunFuture { inner: Some(future), done: Some(done), site, place: None, shared: None, panicked: None }
}

pin_project! {
    /// A future that is a whole trace: complete when it is ready, failed when it gives an `Err` or panics, incomplete when it is
    /// dropped before.
    pub struct RunFuture<F: Future, D> {
        #[pin]
        inner: Option<F>,
        done: Option<D>,
        site: &'static Site,
        place: Option<Place>,
        shared: Option<Arc<Shared>>,
        panicked: Option<End>,
    }

    impl<F: Future, D> PinnedDrop for RunFuture<F, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let (Some(place), Some(shared)) = (this.place, this.shared.take()) else { return };
            let _in_place = Swapped::new(place);
            this.inner.set(None);
            end_with(&shared, this.panicked.take().unwrap_or_else(|| End::of(Outcome::Cancelled)));
        }
    }
}

impl<F: Future, D> std::fmt::Debug for RunFuture<F, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunFuture").field("site", &self.site.name).finish_non_exhaustive()
    }
}

impl<F, D> Future for RunFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        // At the first poll the trace is started inside, by `run_begin`, which changes the thread's place.
        let first = this.place.is_none();
        let mut elsewhere = this.place.take().or_else(|| local::with(local::Local::place)).unwrap_or_default();
        let outer = first.then(|| elsewhere.trace.as_ref().map(|trace| trace.key));
        if !first {
            local::with(|local| local.swap(&mut elsewhere));
        }
        let polled = catch_unwind(AssertUnwindSafe(|| inner.poll(cx)));
        if let Some(outer) = outer {
            let started = local::with(local::Local::trace).flatten();
            *this.shared = started.filter(|trace| Some(trace.key) != outer);
        }
        if let Some(shared) = &*this.shared {
            match &polled {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(output)) => {
                    let mut end = End::default();
                    if let Some(look) = this.done.take() {
                        look(output, &mut end);
                    }
                    end_with(shared, end);
                }
                Err(payload) => *this.panicked = Some(panic_end(&**payload)),
            }
        }
        local::with(|local| local.swap(&mut elsewhere));
        *this.place = Some(elsewhere);
        match polled {
            Ok(polled) => polled,
            Err(payload) => resume_unwind(payload),
        }
    }
}
