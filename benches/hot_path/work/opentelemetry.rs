//! The work instrumented by hand with the OpenTelemetry SDK, whose processor, or exporter, does nothing.

use super::{CONFIDENCE, QUERY, SCORE, WHAT, WHY, Worked, YieldOnce, depth, work};
use crate::batch::{Sample, measured, poll_through};
use crate::lost::Account;
use opentelemetry::trace::{FutureExt, Span, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter, SpanProcessor};
use std::hint::black_box;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn status(worked: &Worked) -> Status {
    match worked {
        Ok(_) => Status::Ok,
        Err(error) => Status::error(error.to_string()),
    }
}

fn attributes(query: &str, depth: i64, score: f64) -> [KeyValue; 3] {
    [KeyValue::new("query", query.to_owned()), KeyValue::new("depth", depth), KeyValue::new("score", score)]
}

fn span(n: u64) -> Worked {
    let mut span = tracer().start("work");
    let worked = work(n);
    span.set_status(status(&worked));
    span.end();
    worked
}

fn span_fields(query: &str, depth: i64, score: f64) -> Worked {
    let builder = tracer().span_builder("work").with_attributes(attributes(query, depth, score));
    let mut span = builder.start(tracer());
    let worked = work(depth.unsigned_abs());
    span.set_status(status(&worked));
    span.end();
    worked
}

/// A future in a span, as an instrumented `async fn` would have it.
async fn in_span(span: opentelemetry_sdk::trace::Span, future: impl Future<Output = Worked>) -> Worked {
    let context = Context::current_with_span(span);
    let worked = future.with_context(context.clone()).await;
    context.span().set_status(status(&worked));
    context.span().end();
    worked
}

async fn span_async(n: u64) -> Worked {
    in_span(tracer().start("work"), async { work(n) }).await
}

async fn span_pending(n: u64) -> Worked {
    in_span(tracer().start("work"), async {
        YieldOnce::default().await;
        work(n)
    })
    .await
}

async fn span_fields_async(query: &str, depth: i64, score: f64) -> Worked {
    let builder = tracer().span_builder("work").with_attributes(attributes(query, depth, score));
    in_span(builder.start(tracer()), async { work(depth.unsigned_abs()) }).await
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

/// An event with what a decision says, on the current span.
pub(crate) fn decisions(calls: u64) -> Duration {
    measured(calls, |n| {
        let attributes = vec![
            KeyValue::new("what", WHAT),
            KeyValue::new("why", WHY),
            KeyValue::new("confidence", CONFIDENCE),
            KeyValue::new("alternatives", "google 0.6, reddit 0.4"),
            KeyValue::new("query", black_box(QUERY).to_owned()),
            KeyValue::new("depth", depth(black_box(n))),
        ];
        Context::map_current(|context| context.span().add_event("source_selected", attributes));
    })
}

#[derive(Debug)]
struct NoProcessor;

impl SpanProcessor for NoProcessor {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        black_box(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Spans that reached the exporter.
static EXPORTED: AtomicU64 = AtomicU64::new(0);

#[derive(Debug)]
struct NoExporter;

impl SpanExporter for NoExporter {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        EXPORTED.fetch_add(spans.len() as u64, Ordering::Relaxed);
        black_box(spans);
        Ok(())
    }
}

fn tracer() -> &'static SdkTracer {
    static TRACER: OnceLock<SdkTracer> = OnceLock::new();
    TRACER.get_or_init(|| SdkTracerProvider::builder().with_span_processor(NoProcessor).build().tracer("bench"))
}

fn exporting() -> &'static SdkTracerProvider {
    static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();
    PROVIDER.get_or_init(|| SdkTracerProvider::builder().with_batch_exporter(NoExporter).build())
}

/// A tracer with the batch processor that users have.
pub(crate) fn exporting_tracer() -> SdkTracer {
    exporting().tracer("bench")
}

/// Exports what waits.
pub(crate) fn settle() {
    let _ = exporting().force_flush();
}

/// The batch is in a span.
pub(crate) fn recorded(batch: &dyn Fn() -> Duration) -> Sample {
    let began = Instant::now();
    let root = Context::current_with_span(tracer().start("bench"));
    let entered = root.attach();
    let calls = batch();
    drop(entered);
    Sample { calls, whole: began.elapsed() }
}

/// Makes spans as fast as it can, and counts those that the batch processor exports.
pub(crate) fn overflow(records: u64) -> Account {
    let tracer = exporting_tracer();
    settle();
    let before = EXPORTED.load(Ordering::Relaxed);
    let began = Instant::now();
    for _ in 0..records {
        tracer.start("work").end();
    }
    let time = began.elapsed();
    settle();
    Account { made: records, kept: EXPORTED.load(Ordering::Relaxed) - before, counted: 0, time }
}
