//! Parallel work: every decision lands in its own trace and stage, none is lost, none is doubled.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use rayon::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;
use whytrace::model::Stage;
use whytrace::prelude::*;
use whytrace::testing::{self, Capture};
use whytrace::{Ctx, Options, Run, Trace, TraceContext};

/// The decisions of a stage, by what was chosen; none of them twice.
#[track_caller]
fn chosen(stage: &Stage) -> BTreeSet<&str> {
    let chosen: BTreeSet<&str> = stage.decisions.iter().map(|decision| decision.what.as_str()).collect();
    assert_eq!(chosen.len(), stage.decisions.len(), "a decision is there twice");
    chosen
}

#[track_caller]
fn stage<'a>(trace: &'a Trace, name: &str) -> &'a Stage {
    trace.stages.get(name).unwrap_or_else(|| panic!("no stage {name} in {:?}", trace.stages.keys()))
}

fn decide(what: impl Into<String>) {
    let what = what.into();
    decision!("step", what = what, why = "numbered");
}

#[traced_stage("left")]
async fn left() {
    for n in 0..100 {
        decide(format!("left {n}"));
        tokio::task::yield_now().await;
    }
}

#[traced_stage("right")]
async fn right() {
    for n in 0..100 {
        decide(format!("right {n}"));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn stages_of_one_join_are_siblings_with_their_own_decisions() {
    let run = testing::trace_async(async { tokio::join!(left(), right(), left()) }).await;
    let trace = run.trace();
    assert_eq!(trace.stages.len(), 3, "{:?}", trace.stages.keys());
    for (name, side) in [("left", "left"), ("right", "right"), ("left#2", "left")] {
        let stage = stage(trace, name);
        assert_eq!(stage.parent_id, None, "{name}");
        let expected: BTreeSet<String> = (0..100).map(|n| format!("{side} {n}")).collect();
        assert_eq!(chosen(stage), expected.iter().map(String::as_str).collect(), "{name}");
    }
}

#[traced_stage("fan_out")]
async fn fan_out(each: usize) {
    let tasks: Vec<_> = (0..each).map(|n| whytrace::spawn(async move { decide(format!("task {n}")) })).collect();
    let blocking: Vec<_> =
        (0..each).map(|n| whytrace::spawn_blocking(move || decide(format!("blocking {n}")))).collect();
    let threads: Vec<_> =
        (0..each).map(|n| std::thread::spawn(Ctx::current().in_fn(move || decide(format!("thread {n}"))))).collect();
    let ctx = Ctx::current();
    (0..each).into_par_iter().for_each(|n| ctx.scope(|| decide(format!("rayon {n}"))));
    for task in tasks.into_iter().chain(blocking) {
        task.await.unwrap();
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_blocking_threads_and_rayon_record_where_they_were_started() {
    let run = testing::trace_async(fan_out(50)).await;
    let ways = ["task", "blocking", "thread", "rayon"];
    let expected: BTreeSet<String> = ways.iter().flat_map(|way| (0..50).map(move |n| format!("{way} {n}"))).collect();
    assert_eq!(chosen(stage(run.trace(), "fan_out")), expected.iter().map(String::as_str).collect());
    assert_eq!(run.trace().metadata.dropped_events, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_spawned_bare_leaves_its_trace() {
    let run = testing::trace_async(async {
        tokio::spawn(async { decide("outside") }).await.unwrap();
        decide("inside");
    })
    .await;
    assert_eq!(chosen(stage(run.trace(), "_run")), BTreeSet::from(["inside"]));
}

#[traced_stage("first", input(run))]
async fn first(run: usize) {
    decide(format!("{run} first"));
    tokio::task::yield_now().await;
    decide(format!("{run} first, later"));
}

#[traced_stage("second", input(run))]
async fn second(run: usize) {
    tokio::join!(call(run, "a"), call(run, "b"));
}

#[observable("call", input(run))]
async fn call(run: usize, which: &str) {
    tokio::time::sleep(Duration::from_millis((run % 7) as u64)).await;
    decide(format!("{run} {which}"));
}

#[traced_run(project = "crowd", query = run)]
async fn whole(run: usize) {
    first(run).await;
    second(run).await;
    whytrace::spawn(first(run)).await.unwrap();
}

/// Runs a thousand whole traces on all threads of the runtime.
async fn a_thousand(place: &Ctx) {
    let mut runs = JoinSet::new();
    for run in 0..1_000 {
        runs.spawn(place.in_future(whole(run)));
    }
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_traces_at_once_keep_what_is_theirs() {
    let mut options = Options::default();
    options.max_wait = None;
    let capture = Capture::with(options, &whytrace::redact::RedactConfig::default()).unwrap();
    capture.in_future(async { a_thousand(&Ctx::current()).await }).await;
    let mut seen = BTreeSet::new();
    let traces = capture.finish();
    for trace in &traces {
        let run = trace.run.query.clone().unwrap();
        assert_eq!(trace.run.status, whytrace::Status::Complete);
        assert_eq!(trace.metadata.dropped_events, 0);
        assert_eq!(trace.stages.len(), 3, "{:?}", trace.stages.keys());
        for (name, expected) in [
            ("first", [format!("{run} first"), format!("{run} first, later")]),
            ("first#2", [format!("{run} first"), format!("{run} first, later")]),
            ("second", [format!("{run} a"), format!("{run} b")]),
        ] {
            assert_eq!(chosen(stage(trace, name)), expected.iter().map(String::as_str).collect(), "{name}");
        }
        let calls = &stage(trace, "second").observations;
        assert_eq!(calls.len(), 2);
        for decision in &stage(trace, "second").decisions {
            let owner = calls.iter().find(|call| Some(&call.id) == decision.observation_id.as_ref()).unwrap();
            assert_eq!(owner.name, "call");
        }
        seen.insert(run);
    }
    assert_eq!((traces.len(), seen.len()), (1_000, 1_000));
}

#[test]
fn a_thousand_traces_at_once_reach_stream_document_and_database() {
    if support::part().is_some() {
        let _guard = whytrace::init();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
        runtime.block_on(a_thousand(&Ctx::current()));
        return support::flush();
    }
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    let test = "a_thousand_traces_at_once_reach_stream_document_and_database";
    for _ in 0..2 {
        support::run(support::program(test, "crowd", dir.path()).env("WHYTRACE_MAX_WAIT_MS", "unlimited"));
    }

    let documents = support::documents(&traces);
    let events = support::events(&traces);
    assert_eq!(documents.len(), 2_000);
    assert_eq!((support::count(&events, "trace_start"), support::count(&events, "trace_end")), (2_000, 2_000));
    assert_eq!(support::count(&events, "decision"), 12_000);
    for document in &documents {
        assert_eq!(support::decisions(document).len(), 6, "{}", document["trace_id"]);
        assert_eq!(document["run"]["status"], "complete");
    }
    let counts = "select cast(count(*) as text), cast(count(distinct query) as text), cast(sum(decision_count) as text) from traces";
    assert_eq!(support::rows(&traces, counts), [["2000", "1000", "12000"]]);
}

/// Records from several threads at once as fast as they can; what the document of that run holds, and says that it lacks.
fn flood(options: Options) -> (u64, u64) {
    const THREADS: u64 = 4;
    const EACH: u64 = 25_000;
    let capture = Capture::with(options, &whytrace::redact::RedactConfig::default()).unwrap();
    capture.scope(|| {
        let trace = TraceContext::start(Run::new("flood"));
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                std::thread::spawn(
                    trace.ctx().in_fn(move || (0..EACH).for_each(|n| decide((thread * EACH + n).to_string()))),
                )
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        trace.mark_complete();
    });
    let traces = capture.finish();
    assert_eq!(traces.len(), 1);
    let (trace, made) = (&traces[0], THREADS * EACH);
    let kept = trace.stages.get("_run").map_or(0, |run| chosen(run).len() as u64);
    let missing = trace.metadata.dropped_events + trace.metadata.stream_only;
    assert_eq!(kept + missing, made, "{kept} kept, {:?}", trace.metadata);
    (kept, missing)
}

#[test]
fn without_a_limit_on_waiting_a_flood_loses_nothing() {
    let mut options = Options::default();
    options.max_wait = None;
    options.max_items = 1_000_000;
    assert_eq!(flood(options), (100_000, 0));
}

#[test]
fn what_a_flood_loses_is_counted_in_the_document() {
    let mut options = Options::default();
    options.max_wait = Some(Duration::ZERO);
    options.ring_records = 64;
    options.max_items = 1_000_000;
    let (_, missing) = flood(options);
    assert!(missing > 0, "this machine is too quick for the test to say anything");
}
