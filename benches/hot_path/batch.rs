//! One case: a way to do the work, timed in batches.
//!
//! Comes in: how many calls. Goes out: how long they took, alone and together with the trace around them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// A way to do the work.
pub(crate) struct Case {
    /// Names it in tables and on the command line.
    pub(crate) name: &'static str,
    /// Calls of one batch. So few that no queue of anybody's fills up: what happens then is measured elsewhere.
    pub(crate) calls: u64,
    /// What is around a batch: a trace, a root span, or nothing.
    pub(crate) around: fn(&dyn Fn() -> Duration) -> Sample,
    /// Does the work so many times.
    pub(crate) batch: fn(u64) -> Duration,
}

impl Case {
    /// Does one batch, and what is around it.
    pub(crate) fn run(&self) -> Sample {
        (self.around)(&|| (self.batch)(self.calls))
    }
}

/// How long a batch took.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// The calls alone.
    pub(crate) calls: Duration,
    /// With the trace or root span around them: started before, ended and handed over after.
    pub(crate) whole: Duration,
}

/// Nothing is around the batch.
pub(crate) fn alone(batch: &dyn Fn() -> Duration) -> Sample {
    let calls = batch();
    Sample { calls, whole: calls }
}

/// Times calls in a loop. The one place where instructions are counted: callgrind collects only inside of this function.
#[inline(never)]
pub(crate) fn measured(calls: u64, mut call: impl FnMut(u64)) -> Duration {
    let began = Instant::now();
    for n in 0..calls {
        call(n);
    }
    began.elapsed()
}

/// Polls a future to its end with a waker that does nothing: the least that an executor can do.
#[inline]
pub(crate) fn poll_through<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}
