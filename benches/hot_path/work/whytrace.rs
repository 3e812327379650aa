//! The work instrumented by us: with no trace, with traces elsewhere, recorded, folded, written.

use super::{CONFIDENCE, Numbers, QUERY, SCORE, WHAT, WHY, Worked, YieldOnce, depth, exhaust, plain, work};
use crate::batch::{Sample, measured, poll_through};
use crate::lost::Account;
use futures_core::Stream;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use trace_core::Tracer;
use whytrace::prelude::*;
use whytrace::redact::RedactConfig;
use whytrace::sink::{FinishedTrace, Sink, SinkError, Stored};
use whytrace::{Options, Run, TraceContext};

#[traced_stage("work")]
fn stage(n: u64) -> Worked {
    work(n)
}

#[traced_stage("work")]
async fn stage_async(n: u64) -> Worked {
    work(n)
}

#[traced_stage("work")]
async fn stage_pending(n: u64) -> Worked {
    YieldOnce::default().await;
    work(n)
}

#[traced_stage("work", input(query, depth, score))]
fn stage_fields(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

#[traced_stage("work", input(query, depth, score))]
async fn stage_fields_async(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

#[traced_stage("work", stream)]
fn stage_stream(items: u64) -> impl Stream<Item = u64> {
    Numbers::below(items)
}

#[observable("generate", kind = "llm", input(prompt), response(|text| *text))]
fn generate<'a>(prompt: &str, response: &'a str) -> &'a str {
    black_box(prompt);
    response
}

pub(crate) fn sync(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(stage(black_box(n)))))
}

pub(crate) fn ready(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(stage_async(black_box(n))))))
}

pub(crate) fn pending(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(stage_pending(black_box(n))))))
}

pub(crate) fn fields(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(stage_fields(black_box(QUERY), depth(n), black_box(SCORE)))))
}

pub(crate) fn fields_async(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(stage_fields_async(black_box(QUERY), depth(n), black_box(SCORE))))))
}

pub(crate) fn stream(items: u64) -> Duration {
    measured(1, |_| exhaust(stage_stream(black_box(items))))
}

pub(crate) fn decisions(calls: u64) -> Duration {
    measured(calls, |n| {
        decision!(
            "source_selected",
            what = WHAT,
            why = WHY,
            confidence = CONFIDENCE,
            alternatives = ["google" => 0.6, "reddit" => 0.4],
            inputs = { query: black_box(QUERY), depth: black_box(n) }
        );
    })
}

pub(crate) fn llm_calls(calls: u64) -> Duration {
    let (prompt, response) = (plain::text(), plain::text());
    measured(calls, |_| {
        black_box(generate(black_box(prompt), black_box(response)));
    })
}

/// Says that code outside of any trace is no mistake here.
pub(crate) fn set_up() {
    Tracer::switched_off();
}

/// A tracer that keeps nothing: records are collected and folded, and the document is dropped.
fn tracer() -> &'static Tracer {
    static TRACER: OnceLock<Tracer> = OnceLock::new();
    TRACER.get_or_init(|| new_tracer(Options::default()))
}

/// A tracer that writes event streams.
fn writing_tracer() -> &'static Tracer {
    static TRACER: OnceLock<(Tracer, tempfile::TempDir)> = OnceLock::new();
    let (tracer, _) = TRACER.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for event streams: {error}"));
        let mut options = Options::default();
        options.dir = Some(dir.path().to_owned());
        (new_tracer(options), dir)
    });
    tracer
}

fn new_tracer(options: Options) -> Tracer {
    Tracer::new(options, &RedactConfig::default(), Vec::new()).unwrap_or_else(|error| panic!("no tracer: {error}"))
}

/// The batch is in a trace. Until the next case, its records are folded: the collector does not disturb what others measure.
pub(crate) fn recorded(batch: &dyn Fn() -> Duration) -> Sample {
    let sample = in_trace(tracer(), batch);
    settle(tracer());
    sample
}

/// The batch is in no trace, but there is one in the process.
pub(crate) fn elsewhere(batch: &dyn Fn() -> Duration) -> Sample {
    let trace = tracer().scope(|| TraceContext::start(Run::new("elsewhere")));
    let calls = batch();
    drop(trace);
    settle(tracer());
    Sample { calls, whole: calls }
}

/// Times the CPU of all threads until the records of the batch are folded.
pub(crate) fn folded(batch: &dyn Fn() -> Duration) -> Sample {
    all_of(tracer(), batch)
}

/// Times the CPU of all threads until the records of the batch are folded and in the event stream.
pub(crate) fn written(batch: &dyn Fn() -> Duration) -> Sample {
    all_of(writing_tracer(), batch)
}

/// The collector sees the start before the batch begins, lest waking up for it takes the core away from a caller that is being
/// measured.
fn in_trace(tracer: &Tracer, batch: &dyn Fn() -> Duration) -> Sample {
    let began = Instant::now();
    let trace = tracer.scope(|| TraceContext::start(Run::new("bench")));
    let started = began.elapsed();
    settle(tracer);
    let began = Instant::now();
    let calls = trace.scope(batch);
    trace.mark_complete();
    drop(trace);
    Sample { calls, whole: started + began.elapsed() }
}

fn all_of(tracer: &Tracer, batch: &dyn Fn() -> Duration) -> Sample {
    let (cpu, wall) = (cpu_time(), Instant::now());
    in_trace(tracer, batch);
    settle(tracer);
    Sample { calls: cpu_time().saturating_sub(cpu), whole: wall.elapsed() }
}

fn settle(tracer: &Tracer) {
    assert!(tracer.flush(Duration::from_secs(60)), "the collector does not come to an end");
}

/// The CPU time of this process.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// Decisions of one trace: half of what its document holds.
const DECISIONS: u64 = 50_000;

/// Counts what the documents hold, and what they say was dropped.
#[derive(Default)]
struct Counts {
    kept: AtomicU64,
    dropped: AtomicU64,
}

impl Sink for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        for FinishedTrace { trace, .. } in traces {
            let kept: usize = trace.stages.values().map(|stage| stage.decisions.len()).sum();
            self.kept.fetch_add(kept as u64, Ordering::Relaxed);
            self.dropped.fetch_add(trace.metadata.dropped_events, Ordering::Relaxed);
        }
        traces.iter().map(|_| Ok(Stored::default())).collect()
    }
}

/// Makes decisions as fast as it can, and counts those that are in documents.
pub(crate) fn overflow(records: u64, max_wait: Option<Duration>) -> Result<Account, String> {
    let mut options = Options::default();
    options.max_wait = max_wait;
    let counts = Arc::new(Counts::default());
    let tracer = Tracer::new(options, &RedactConfig::default(), vec![Arc::<Counts>::clone(&counts)])
        .map_err(|error| error.to_string())?;
    let mut account = Account { made: 0, kept: 0, counted: 0, time: Duration::ZERO };
    while account.made < records {
        let calls = DECISIONS.min(records - account.made);
        account.time += in_trace(&tracer, &|| decisions(calls)).calls;
        account.made += calls;
    }
    if !tracer.flush(Duration::from_secs(600)) {
        return Err("the collector did not come to an end within ten minutes".to_owned());
    }
    account.kept = counts.kept.load(Ordering::Relaxed);
    account.counted = counts.dropped.load(Ordering::Relaxed);
    Ok(account)
}
