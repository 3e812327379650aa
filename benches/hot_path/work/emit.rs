//! The work instrumented with `emit`, whose emitter does nothing.

use super::{CONFIDENCE, QUERY, SCORE, WHAT, WHY, Worked, YieldOnce, depth, work};
use crate::batch::{Sample, measured, poll_through};
use std::hint::black_box;
use std::time::{Duration, Instant};

#[emit::span(ok_lvl: "info", err_lvl: "error", "work")]
fn span(n: u64) -> Worked {
    work(n)
}

#[emit::span(ok_lvl: "info", err_lvl: "error", "work")]
async fn span_async(n: u64) -> Worked {
    work(n)
}

#[emit::span(ok_lvl: "info", err_lvl: "error", "work")]
async fn span_pending(n: u64) -> Worked {
    YieldOnce::default().await;
    work(n)
}

#[emit::span(ok_lvl: "info", err_lvl: "error", "work", query, depth, score)]
fn span_fields(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

#[emit::span(ok_lvl: "info", err_lvl: "error", "work", query, depth, score)]
async fn span_fields_async(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

pub(crate) fn sync(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(span(black_box(n)))))
}

pub(crate) fn ready(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(span_async(black_box(n))))))
}

pub(crate) fn pending(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(span_pending(black_box(n))))))
}

pub(crate) fn fields(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(span_fields(black_box(QUERY), depth(n), black_box(SCORE)))))
}

pub(crate) fn fields_async(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(span_fields_async(black_box(QUERY), depth(n), black_box(SCORE))))))
}

/// An event with what a decision says.
pub(crate) fn decisions(calls: u64) -> Duration {
    measured(calls, |n| {
        let (what, why, confidence, alternatives) = (WHAT, WHY, CONFIDENCE, "google 0.6, reddit 0.4");
        let (query, depth) = (black_box(QUERY), black_box(n));
        emit::info!("source_selected", what, why, confidence, alternatives, query, depth);
    })
}

/// Starts emitting.
pub(crate) fn set_up() {
    let emitter = emit::emitter::from_fn(|event| {
        black_box(&event);
    });
    let _ = emit::setup().emit_to(emitter).try_init();
}

/// The batch is in a span.
pub(crate) fn recorded(batch: &dyn Fn() -> Duration) -> Sample {
    let began = Instant::now();
    let calls = root(batch);
    Sample { calls, whole: began.elapsed() }
}

#[emit::span("bench")]
fn root(batch: &dyn Fn() -> Duration) -> Duration {
    batch()
}
