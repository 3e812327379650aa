//! The work, and every way to do it: plain, instrumented by us, instrumented by the peers.
//!
//! Each way does the equal thing, written as its library wants it: a span of the same name, the same three fields, and whether
//! it failed, as far as the library can say that. Where a library has no such thing (fastrace knows no outcome), it does less, and the
//! comparison favours it.

pub(crate) mod emit;
pub(crate) mod fastrace;
pub(crate) mod opentelemetry;
pub(crate) mod plain;
pub(crate) mod tracing;
pub(crate) mod whytrace;

use futures_core::Stream;
use std::fmt;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// How the work can fail.
#[derive(Debug)]
pub(crate) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the work failed")
    }
}

impl std::error::Error for Failed {}

/// What every way gives back.
pub(crate) type Worked = Result<u64, Failed>;

/// What is inside of every case. Never inlined, so that an instrumented function differs from the plain one by its
/// instrumentation only; it always succeeds, which the compiler cannot know.
#[inline(never)]
pub(crate) fn work(n: u64) -> Worked {
    let n = black_box(n);
    if n == u64::MAX { Err(Failed) } else { Ok(n.wrapping_mul(3)) }
}

/// Pending once, then ready.
#[derive(Default)]
pub(crate) struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Numbers below a limit, one at each poll.
pub(crate) struct Numbers {
    next: u64,
    limit: u64,
}

impl Numbers {
    pub(crate) fn below(limit: u64) -> Self {
        Self { next: 0, limit }
    }
}

impl Stream for Numbers {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u64>> {
        let n = black_box(self.next);
        self.next += 1;
        Poll::Ready((n < self.limit).then_some(n))
    }
}

/// Takes everything from a stream.
pub(crate) fn exhaust(stream: impl Stream<Item = u64>) {
    let mut stream = pin!(stream);
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut cx) {
        black_box(item);
    }
}

/// The fields that are captured, beside the depth, which is the number of the call.
pub(crate) const QUERY: &str = "which competitors sell collaborative robots";
pub(crate) const SCORE: f64 = 0.75;

/// What a decision says, in every library.
pub(crate) const WHAT: &str = "exa_search";
pub(crate) const WHY: &str = "broadest coverage of company news";
pub(crate) const CONFIDENCE: f64 = 0.9;

/// The number of a call, as a captured field.
pub(crate) fn depth(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
