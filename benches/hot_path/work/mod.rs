//! The work, and every way to do it: plain, instrumented by us, instrumented by the peers.
//!
//! Each way does the equal thing, as its library wants it written: a span of the same name, the same fields, and how it ended.

pub mod ours;

use std::fmt;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How the work can fail.
#[derive(Debug)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the work failed")
    }
}

impl std::error::Error for Failed {}

/// What is inside of every case. Never inlined, so that an instrumented function differs from the plain one by its
/// instrumentation only; it always succeeds, which the compiler cannot know.
#[inline(never)]
pub fn work(n: u64) -> Result<u64, Failed> {
    let n = black_box(n);
    if n == u64::MAX { Err(Failed) } else { Ok(n.wrapping_mul(3)) }
}

/// Pending once, then ready.
#[derive(Default)]
pub struct YieldOnce(bool);

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

/// The three fields that are captured, beside the call's number: what it is about, how deep, how good.
pub const QUERY: &str = "which competitors sell collaborative robots";
pub const SCORE: f64 = 0.75;
