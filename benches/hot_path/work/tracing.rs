//! The work instrumented with `tracing`: without a subscriber, with the registry alone, and with `tracing-opentelemetry`.

use super::{CONFIDENCE, QUERY, SCORE, WHAT, WHY, Worked, YieldOnce, depth, opentelemetry, work};
use crate::batch::{Sample, measured, poll_through};
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tracing::dispatcher::{self, Dispatch};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

#[tracing::instrument(name = "work", skip_all, err)]
fn span(n: u64) -> Worked {
    work(n)
}

#[tracing::instrument(name = "work", skip_all, err)]
async fn span_async(n: u64) -> Worked {
    work(n)
}

#[tracing::instrument(name = "work", skip_all, err)]
async fn span_pending(n: u64) -> Worked {
    YieldOnce::default().await;
    work(n)
}

#[tracing::instrument(name = "work", skip_all, fields(query, depth, score), err)]
fn span_fields(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

#[tracing::instrument(name = "work", skip_all, fields(query, depth, score), err)]
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
        tracing::info!(
            what = WHAT,
            why = WHY,
            confidence = CONFIDENCE,
            alternatives = "google 0.6, reddit 0.4",
            query = black_box(QUERY),
            depth = black_box(n),
            "source_selected"
        );
    })
}

/// Makes the registry the subscriber of the process.
pub(crate) fn set_up() {
    // The one that is measured most is the global one: that is the faster way to be found.
    let _ = dispatcher::set_global_default(Dispatch::new(Registry::default()));
}

/// The batch is in a span of the subscriber.
pub(crate) fn recorded(batch: &dyn Fn() -> Duration) -> Sample {
    let began = Instant::now();
    let root = tracing::info_span!("bench").entered();
    let calls = batch();
    drop(root);
    Sample { calls, whole: began.elapsed() }
}

/// The same with every span handed to OpenTelemetry, whose exporter does nothing.
pub(crate) fn exported(batch: &dyn Fn() -> Duration) -> Sample {
    static DISPATCH: OnceLock<Dispatch> = OnceLock::new();
    let dispatch = DISPATCH.get_or_init(|| {
        let layer = tracing_opentelemetry::layer().with_tracer(opentelemetry::exporting_tracer());
        Dispatch::new(Registry::default().with(layer))
    });
    let sample = dispatcher::with_default(dispatch, || recorded(batch));
    opentelemetry::settle();
    sample
}
