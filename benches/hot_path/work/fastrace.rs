//! The work instrumented with `fastrace`, whose reporter does nothing.

use super::{CONFIDENCE, Numbers, QUERY, SCORE, WHAT, WHY, Worked, YieldOnce, depth, exhaust, work};
use crate::batch::{Sample, measured, poll_through};
use crate::lost::Account;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::prelude::{Event, LocalSpan, Span};
use fastrace_futures::StreamExt;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[fastrace::trace(name = "work")]
fn span(n: u64) -> Worked {
    work(n)
}

#[fastrace::trace(name = "work")]
async fn span_async(n: u64) -> Worked {
    work(n)
}

#[fastrace::trace(name = "work")]
async fn span_pending(n: u64) -> Worked {
    YieldOnce::default().await;
    work(n)
}

#[fastrace::trace(name = "work", properties = { "query": "{query}", "depth": "{depth}", "score": "{score}" })]
fn span_fields(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

#[fastrace::trace(name = "work", properties = { "query": "{query}", "depth": "{depth}", "score": "{score}" })]
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

pub(crate) fn stream(items: u64) -> Duration {
    measured(1, |_| exhaust(Numbers::below(black_box(items)).in_span(Span::enter_with_local_parent("work"))))
}

/// An event with what a decision says.
pub(crate) fn decisions(calls: u64) -> Duration {
    measured(calls, |n| {
        LocalSpan::add_event(Event::new("source_selected").with_properties(|| {
            [
                ("what", WHAT.into()),
                ("why", WHY.into()),
                ("confidence", std::borrow::Cow::from(CONFIDENCE.to_string())),
                ("alternatives", "google 0.6, reddit 0.4".into()),
                ("query", black_box(QUERY).into()),
                ("depth", black_box(n).to_string().into()),
            ]
        }));
    })
}

/// Spans that reached the reporter.
static REPORTED: AtomicU64 = AtomicU64::new(0);

struct Nothing;

impl Reporter for Nothing {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        REPORTED.fetch_add(spans.len() as u64, Ordering::Relaxed);
        black_box(spans);
    }
}

/// Starts the collector.
pub(crate) fn set_up() {
    fastrace::set_reporter(Nothing, Config::default());
}

/// The batch is in a root span, which is committed before the time is taken.
pub(crate) fn recorded(batch: &dyn Fn() -> Duration) -> Sample {
    let began = Instant::now();
    let root = Span::root("bench", SpanContext::random());
    let parent = root.set_local_parent();
    let calls = batch();
    drop(parent);
    drop(root);
    let whole = began.elapsed();
    fastrace::flush();
    Sample { calls, whole }
}

/// Spans of one root: half of what a root takes.
const SPANS: u64 = 5000;

/// Makes spans as fast as it can, and counts those that are reported.
pub(crate) fn overflow(records: u64) -> Account {
    let roots = records / SPANS;
    fastrace::flush();
    let before = REPORTED.load(Ordering::Relaxed);
    let began = Instant::now();
    for _ in 0..roots {
        let root = Span::root("bench", SpanContext::random());
        let _parent = root.set_local_parent();
        for _ in 0..SPANS {
            let _span = LocalSpan::enter_with_local_parent("work");
        }
    }
    let time = began.elapsed();
    fastrace::flush();
    let reported = REPORTED.load(Ordering::Relaxed) - before;
    Account { made: roots * (SPANS + 1), kept: reported, counted: 0, time }
}
