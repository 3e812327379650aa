//! Stages and observations that are streams.

use super::draft::{Begin, End};
use super::future::{State, dropped, poll_recorded};
use crate::model::Outcome;
use crate::registry::Site;
use fastant::Instant;
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream whose span begins when it is first polled and ends when it is exhausted or dropped (cancelled). `item` looks at
/// every item while recording.
#[inline]
pub fn stream<S, I>(site: &'static Site, begin: Option<Begin>, stream: S, item: I) -> SpanStream<S, I>
where
    S: Stream,
    I: FnMut(&S::Item, &mut End),
{
    let state = State::captured(begin);
    SpanStream { inner: Some(stream), item, site, state, seen: Seen::default() }
}

pin_project! {
    /// A stream that is a stage or an observation. Its end carries the attributes `items`, `time_to_first_item_ms` and `stream_end`
    /// (`exhausted` or `dropped`).
    pub struct SpanStream<S: Stream, I> {
        #[pin]
        inner: Option<S>,
        item: I,
        site: &'static Site,
        state: State,
        seen: Seen,
    }

    impl<S: Stream, I> PinnedDrop for SpanStream<S, I> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let State::Running(running) = this.state {
                let site = *this.site;
                running.end.get_or_insert_with(|| this.seen.end("dropped", Outcome::Cancelled));
                dropped(running, site, &mut || this.inner.set(None));
            }
        }
    }
}

/// What was seen of a stream so far.
#[derive(Default)]
struct Seen {
    began: Option<Instant>,
    items: u64,
    first: Option<f64>,
    end: Option<End>,
}

impl Seen {
    fn item(&mut self) {
        if self.items == 0 {
            self.first = self.began.map(|began| began.elapsed().as_secs_f64() * 1e3);
        }
        self.items += 1;
    }

    /// The end with all that was seen. Also the time to the first token of a model call, when a response or usage was seen.
    fn end(&mut self, how: &str, outcome: Outcome) -> End {
        let mut end = self.end.take().unwrap_or_default();
        end.attribute("items", self.items);
        end.attribute("time_to_first_item_ms", self.first);
        end.attribute("stream_end", how);
        end.first_token_after(self.first);
        end.or_outcome(outcome);
        end
    }
}

impl<S: Stream, I> std::fmt::Debug for SpanStream<S, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpanStream").field("site", &self.site.name).finish_non_exhaustive()
    }
}

impl<S, I> Stream for SpanStream<S, I>
where
    S: Stream,
    I: FnMut(&S::Item, &mut End),
{
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if this.state.is_passive(this.site) {
            return inner.poll_next(cx);
        }
        let (seen, item) = (this.seen, this.item);
        seen.began.get_or_insert_with(Instant::now);
        poll_recorded(
            this.state,
            this.site,
            || inner.poll_next(cx),
            |poll, last| match poll {
                Poll::Pending => false,
                Poll::Ready(Some(value)) => {
                    seen.item();
                    item(value, seen.end.get_or_insert_default());
                    false
                }
                Poll::Ready(None) => {
                    *last = seen.end("exhausted", Outcome::Ok);
                    true
                }
            },
        )
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

/// What an `async fn` with the option `stream` may return: a stream, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "the option `stream` needs a function that returns a stream or a `Result` of one, not `{Self}`",
    note = "leave the option out to record the future alone"
)]
pub trait IntoSpanStream<Shape>: Sized {
    /// The stream.
    type Stream: Stream;
    /// The same with the stream wrapped.
    type Wrapped<I>;
    /// The stream inside, unless the function failed.
    fn wrap<I>(self, wrap: impl FnOnce(Self::Stream) -> SpanStream<Self::Stream, I>) -> Self::Wrapped<I>;
    /// Whether there is a stream inside.
    fn has_stream(&self) -> bool;
}

/// Tells the implementation for streams from that for results.
#[derive(Debug)]
pub enum Bare {}

/// Tells the implementation for results from that for streams.
#[derive(Debug)]
pub enum InResult {}

impl<S: Stream> IntoSpanStream<Bare> for S {
    type Stream = S;
    type Wrapped<I> = SpanStream<S, I>;

    fn wrap<I>(self, wrap: impl FnOnce(S) -> SpanStream<S, I>) -> SpanStream<S, I> {
        wrap(self)
    }

    fn has_stream(&self) -> bool {
        true
    }
}

impl<S: Stream, E> IntoSpanStream<InResult> for Result<S, E> {
    type Stream = S;
    type Wrapped<I> = Result<SpanStream<S, I>, E>;

    fn wrap<I>(self, wrap: impl FnOnce(S) -> SpanStream<S, I>) -> Result<SpanStream<S, I>, E> {
        self.map(wrap)
    }

    fn has_stream(&self) -> bool {
        self.is_ok()
    }
}

/// The items of the stream that `T` holds.
type ItemOf<T, Shape> = <<T as IntoSpanStream<Shape>>::Stream as Stream>::Item;

/// An `async fn` that gives a stream: one span over both, which begins with the future ([`Begin::attach`] inside of it) and ends
/// with the stream, or with the future when that fails. `done` looks at what the future gives, `item` at every item.
#[inline]
pub fn future_stream<F, D, I, Shape>(site: &'static Site, future: F, done: D, item: I) -> StreamFuture<F, D, I, Shape>
where
    F: Future,
    F::Output: IntoSpanStream<Shape>,
    D: FnOnce(&F::Output, &mut End),
    I: FnMut(&ItemOf<F::Output, Shape>, &mut End),
{
    StreamFuture { inner: Some(future), ends: Some((done, item)), site, state: State::Inside, shape: PhantomData }
}

pin_project! {
    /// A future whose span goes on in the stream that it gives.
    pub struct StreamFuture<F: Future, D, I, Shape> {
        #[pin]
        inner: Option<F>,
        ends: Option<(D, I)>,
        site: &'static Site,
        state: State,
        shape: PhantomData<fn() -> Shape>,
    }

    impl<F: Future, D, I, Shape> PinnedDrop for StreamFuture<F, D, I, Shape> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let State::Running(running) = this.state {
                let mut inner = this.inner;
                dropped(running, this.site, &mut || inner.set(None));
            }
        }
    }
}

impl<F: Future, D, I, Shape> std::fmt::Debug for StreamFuture<F, D, I, Shape> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamFuture").field("site", &self.site.name).finish_non_exhaustive()
    }
}

impl<F, D, I, Shape> Future for StreamFuture<F, D, I, Shape>
where
    F: Future,
    F::Output: IntoSpanStream<Shape>,
    D: FnOnce(&F::Output, &mut End),
    I: FnMut(&ItemOf<F::Output, Shape>, &mut End),
{
    type Output = <F::Output as IntoSpanStream<Shape>>::Wrapped<I>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(inner), Some((done, item))) = (this.inner.as_mut().as_pin_mut(), this.ends.take()) else {
            return Poll::Pending; // polled after it was ready
        };
        let is_passive = this.state.is_passive(this.site);
        let began = (!is_passive).then(Instant::now);
        let mut done = Some(done);
        let poll = if is_passive {
            inner.poll(cx)
        } else {
            poll_recorded(
                this.state,
                this.site,
                || inner.poll(cx),
                |poll, end| match poll {
                    Poll::Ready(output) => {
                        if let Some(done) = done.take() {
                            done(output, end);
                        }
                        !output.has_stream()
                    }
                    Poll::Pending => false,
                },
            )
        };
        match poll {
            Poll::Ready(output) => {
                let (site, state) = (*this.site, std::mem::replace(this.state, State::Passive));
                let seen = Seen { began, ..Seen::default() };
                Poll::Ready(output.wrap(|stream| SpanStream { inner: Some(stream), item, site, state, seen }))
            }
            Poll::Pending => {
                if let Some(done) = done {
                    *this.ends = Some((done, item));
                }
                Poll::Pending
            }
        }
    }
}
