//! The collector under pressure: full rings, slow disks, late events, little memory, many files.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use trace_core::collect::{recover, stream_file_name, traces_of_stream};
use trace_core::context::Ctx;
use trace_core::event::{Body, Event};
use trace_core::model::{Outcome, Status, Trace};
use trace_core::private as p;
use trace_core::record::{Run, TraceContext, facts};
use trace_core::redact::RedactConfig;
use trace_core::testing::Capture;
use trace_core::{Options, model};

static POINT: p::Site = p::Site::new(p::SiteKind::Decision, "point", "", module_path!(), file!(), line!(), column!());

fn decide(n: u64) {
    p::decision(&POINT, |draft| {
        draft.what(&format!("option {n}"));
        draft.why("because of all the reasons there are");
    });
}

/// Limits under which nothing is dropped, however busy the machine is.
fn patient() -> Options {
    let mut options = Options::default();
    options.max_wait = None;
    options
}

fn options(dir: &Path) -> Options {
    let mut options = patient();
    options.dir = Some(dir.to_owned());
    options
}

fn capture(options: Options) -> Capture {
    Capture::with(options, &RedactConfig::default()).unwrap()
}

fn traces_dir(dir: &Path, project: &str) -> PathBuf {
    dir.join(project).join("_traces")
}

fn events(path: &Path) -> Vec<Event> {
    let file = std::fs::File::open(path).unwrap();
    BufReader::new(file).lines().map(|line| Event::from_line(&line.unwrap()).unwrap()).collect()
}

/// A stream that is a pipe: it takes no more than a reader takes from it, as slowly as that likes.
fn pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Makes decisions into a stream whose disk is slow; gives the made, the dropped, and the lines that arrived.
fn press(max_wait: Option<Duration>, made: u64) -> (u64, Vec<Event>) {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.max_wait = max_wait;
    options.ring_records = 64;
    let stream = traces_dir(dir.path(), "pressed").join(stream_file_name("slow"));
    pipe(&stream);
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(std::fs::File::open(stream).unwrap()).lines() {
            let event = Event::from_line(&line.unwrap()).unwrap();
            if lines.len() < 2_000 {
                std::thread::sleep(Duration::from_micros(200));
            }
            let last = matches!(event.body, Body::TraceEnd(_));
            lines.push(event);
            if last {
                break;
            }
        }
        lines
    });
    let capture = capture(options);
    capture.scope(|| {
        let trace = TraceContext::start(Run::new("pressed").session("slow"));
        let stage = trace.stage("busy");
        stage.scope(|| (0..made).for_each(decide));
        drop(stage);
        trace.mark_complete();
    });
    let lines = reader.join().unwrap();
    let trace = capture.finish().remove(0);
    assert_eq!(trace.run.status, Status::Complete);
    assert_eq!(trace.stages["busy"].outcome, Some(Outcome::Ok), "room for the end of a stage is reserved");
    (trace.metadata.dropped_events, lines)
}

fn decisions(events: &[Event]) -> u64 {
    events.iter().filter(|event| matches!(event.body, Body::DecisionMade(_))).count() as u64
}

#[test]
fn what_finds_no_room_in_time_is_counted_and_the_ends_are_kept() {
    let made = 60_000;
    let (dropped, lines) = press(Some(Duration::from_millis(20)), made);
    assert!(dropped > 0, "the disk was not slow enough to drop anything");
    assert_eq!(decisions(&lines) + dropped, made);
    assert!(lines.iter().map(|event| event.seq).eq(0..lines.len() as u64), "numbers have no gaps");
}

#[test]
fn without_a_limit_nothing_is_lost() {
    let (dropped, lines) = press(None, 5_000);
    assert_eq!((dropped, decisions(&lines)), (0, 5_000));
}

#[test]
fn the_stream_folds_to_the_document() {
    let dir = tempfile::tempdir().unwrap();
    let capture = capture(options(dir.path()));
    capture.scope(|| {
        let trace = TraceContext::start(Run::new("fold").tag("k", "v"));
        trace.scope(|| {
            let stage = facts::stage("collection");
            stage.scope(|| {
                decide(1);
                facts::evidence(model::Evidence::new().collected(3).kept("a", "s", 0.5, "good"));
                facts::llm(model::LlmCall::new().model("m").response("r").cost("0.1".parse().unwrap()));
                facts::quality_gate(&[model::Score::new("P", 1.0)]);
            });
            facts::iteration().finish(&model::Gate::default());
            facts::output("report_file_path", "r.md");
        });
        trace.mark_complete();
    });
    let trace = capture.finish().remove(0);
    let stream = traces_dir(dir.path(), "fold").join(stream_file_name(&trace.session_id));
    assert_eq!(traces_of_stream(&stream).unwrap(), [trace]);
}

#[test]
fn documents_that_were_let_go_are_folded_from_their_streams() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.open_bytes = 10_000;
    let capture = capture(options);
    capture.scope(|| {
        let traces: Vec<TraceContext> = (0..20).map(|_| TraceContext::start(Run::new("many"))).collect();
        for n in 0..50 {
            for trace in &traces {
                trace.scope(|| decide(n));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        traces.iter().for_each(TraceContext::mark_complete);
    });
    let traces = capture.finish();
    assert_eq!(traces.len(), 20);
    for trace in traces {
        let made: Vec<&str> = trace.stages["_run"].decisions.iter().map(|decision| decision.what.as_str()).collect();
        let expected: Vec<String> = (0..50).map(|n| format!("option {n}")).collect();
        assert_eq!(made, expected);
    }
}

#[test]
fn what_happens_after_the_end_is_folded_in_and_counted() {
    for in_files in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let capture = capture(if in_files { options(dir.path()) } else { Options::default() });
        let late = capture.scope(|| {
            let trace = TraceContext::start(Run::new("late"));
            let ctx = trace.ctx();
            trace.mark_complete();
            ctx
        });
        assert_eq!(capture.traces()[0].metadata.late_events, 0);
        late.scope(|| decide(1));
        let rewritten = capture.traces().remove(0);
        assert_eq!(rewritten.metadata.late_events, 1, "in files: {in_files}");
        assert_eq!(rewritten.stages["_run"].decisions.len(), 1);
        assert_eq!(rewritten.run.status, Status::Complete);
    }
}

#[test]
fn a_thousand_traces_at_once_keep_apart() {
    let capture = capture(patient());
    capture.scope(|| {
        let ctx = Ctx::current();
        std::thread::scope(|threads| {
            for thread in 0..8_u64 {
                let ctx = ctx.clone();
                threads.spawn(move || {
                    ctx.scope(|| {
                        let traces: Vec<TraceContext> =
                            (0..125).map(|n| TraceContext::start(Run::new(format!("p{thread}-{n}")))).collect();
                        for round in 0..20 {
                            for trace in &traces {
                                trace.scope(|| facts::stage("s").scope(|| decide(round)));
                            }
                        }
                        traces.iter().for_each(TraceContext::mark_complete);
                    });
                });
            }
        });
    });
    let traces = capture.finish();
    assert_eq!(traces.len(), 1000);
    assert_eq!(traces.iter().map(|trace| &trace.trace_id).collect::<HashSet<_>>().len(), 1000);
    for trace in &traces {
        assert_eq!(trace.stages.len(), 20, "{}", trace.project_name);
        for (n, stage) in trace.stages.values().enumerate() {
            assert_eq!(stage.decisions.len(), 1);
            assert_eq!(stage.decisions[0].what, format!("option {n}"));
        }
    }
}

#[test]
fn what_is_said_inside_of_a_model_call_is_about_that_call() {
    let captured = trace_core::testing::trace(|| {
        let call = trace_core::record::ObservationGuard::start("generate", model::Kind::Llm);
        call.scope(|| facts::llm(model::LlmCall::new().provider("local")));
        drop(call);
        facts::llm(model::LlmCall::new().provider("elsewhere"));
    });
    let calls = &captured.trace().stages["_run"].observations;
    let providers: Vec<_> =
        calls.iter().map(|call| (call.name.as_str(), call.llm.as_ref().unwrap().provider.as_deref())).collect();
    assert_eq!(providers, [("generate", Some("local")), ("llm", Some("elsewhere"))]);
}

#[test]
fn a_call_may_say_its_name_and_arguments_when_it_ends() {
    let captured = trace_core::testing::trace(|| {
        let mut call = trace_core::record::ObservationGuard::start_with_input("execute_tool", model::Kind::Tool, 1);
        call.name("look_up");
        call.input(serde_json::json!({"id": 7, "password": "hunter2"}));
    });
    let call = &captured.trace().stages["_run"].observations[0];
    assert_eq!((call.name.as_str(), &call.input["id"]), ("look_up", &serde_json::json!(7)));
    assert_eq!(call.outcome, Some(model::Outcome::Ok));
}

#[test]
fn a_call_that_is_dropped_by_a_panic_has_panicked_whatever_was_said_of_it() {
    let captured = trace_core::testing::trace(|| {
        let caught = std::panic::catch_unwind(|| {
            let _silent = trace_core::record::ObservationGuard::start("silent", model::Kind::Tool);
            let mut told = trace_core::record::ObservationGuard::start("told", model::Kind::Tool);
            told.attribute("tries", 1);
            let mut failed = trace_core::record::ObservationGuard::start("failed", model::Kind::Tool);
            failed.error(model::ErrorInfo { message: "first".to_owned(), ..model::ErrorInfo::default() });
            panic!("then this");
        });
        assert!(caught.is_err());
    });
    let calls = &captured.trace().stages["_run"].observations;
    let outcomes: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.outcome)).collect();
    let (panicked, err) = (Some(model::Outcome::Panicked), Some(model::Outcome::Err));
    assert_eq!(outcomes, [("silent", panicked), ("told", panicked), ("failed", err)]);
}

#[test]
fn at_most_64_streams_are_open() {
    let dir = tempfile::tempdir().unwrap();
    let capture = capture(options(dir.path()));
    let open = capture.scope(|| {
        let traces: Vec<TraceContext> = (0..200).map(|_| TraceContext::start(Run::new("files"))).collect();
        for _ in 0..5 {
            traces.iter().for_each(|trace| trace.scope(|| decide(0)));
            let _ = capture.traces();
        }
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        targets.filter(|path| path.starts_with(dir.path()) && path.extension().is_some_and(|e| e == "jsonl")).count()
    });
    assert!((1..=64).contains(&open), "{open} are open");
    let traces = capture.finish();
    assert!(traces.iter().all(|trace| trace.stages["_run"].decisions.len() == 5));
}

#[test]
fn two_traces_of_one_session_share_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    let capture = capture(options(dir.path()));
    capture.scope(|| {
        for n in 0..2 {
            let trace = TraceContext::start(Run::new("chat").session("s-1"));
            trace.scope(|| decide(n));
        }
    });
    let traces = capture.finish();
    let stream = traces_dir(dir.path(), "chat").join("session_s-1.jsonl");
    assert_eq!(traces_of_stream(&stream).unwrap(), traces);
    assert!(events(&stream).iter().all(|event| event.session_id == "s-1"));
}

#[test]
fn a_trace_inside_a_trace_is_its_child() {
    let capture = capture(Options::default());
    capture.scope(|| {
        let parent = TraceContext::start(Run::new("parent").session("s"));
        parent.scope(|| {
            let child = TraceContext::start(Run::new("child"));
            child.mark_complete();
        });
        parent.mark_complete();
    });
    let traces = capture.finish();
    let (parent, child): (&Trace, &Trace) = (&traces[0], &traces[1]);
    assert_eq!(child.parent_trace_id.as_ref(), Some(&parent.trace_id));
    assert_eq!(child.otel_trace_id, parent.otel_trace_id);
    assert_eq!(child.session_id, "s");
    assert_eq!(parent.child_traces[0].trace_id, child.trace_id);
}

#[test]
fn traces_of_this_process_are_no_orphans() {
    let dir = tempfile::tempdir().unwrap();
    let tracer = trace_core::Tracer::new(options(dir.path()), &RedactConfig::default(), vec![]).unwrap();
    let capture = capture(options(dir.path()));
    capture.scope(|| {
        let trace = TraceContext::start(Run::new("alive"));
        trace.scope(|| decide(1));
        let _ = capture.traces();
        let (recovered, errors) = recover(&tracer);
        assert!(recovered.is_empty() && errors.is_empty());
        trace.mark_complete();
    });
    assert_eq!(capture.finish()[0].run.status, Status::Complete);
    let live = traces_dir(dir.path(), "alive").join(".live");
    assert_eq!(std::fs::read_dir(live).unwrap().count(), 0, "what is kept needs no recovery");
    tracer.close(Duration::from_secs(5));
}

#[test]
fn a_folder_that_cannot_be_made_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "in the way").unwrap();
    let capture = capture(options(&blocked));
    let answer = capture.scope(|| {
        let trace = TraceContext::start(Run::new("x"));
        let answer = trace.scope(|| {
            decide(1);
            42
        });
        trace.mark_complete();
        answer
    });
    assert_eq!(answer, 42);
    let trace = capture.finish().remove(0);
    assert_eq!(trace.stages["_run"].decisions.len(), 1, "the document does not need the stream");
}

#[test]
fn a_clock_that_goes_backwards_does_not_turn_time_around() {
    use std::sync::atomic::{AtomicI64, Ordering};
    static NOW: AtomicI64 = AtomicI64::new(2_000_000_000);
    let mut options = Options::default();
    options.wall_clock = || {
        let seconds = NOW.fetch_sub(3600, Ordering::Relaxed);
        model::Timestamp::from_nanos(i128::from(seconds) * 1_000_000_000)
    };
    let capture = capture(options);
    capture.scope(|| {
        for _ in 0..2 {
            let trace = TraceContext::start(Run::new("clock"));
            trace.scope(|| facts::stage("a").scope(|| decide(1)));
            trace.mark_complete();
        }
    });
    for trace in capture.finish() {
        let stage = &trace.stages["a"];
        assert!(trace.run.started_at <= stage.started_at && stage.started_at <= stage.completed_at);
        assert!(stage.completed_at <= trace.run.completed_at);
    }
}

#[test]
fn a_sink_that_panics_is_reported_and_the_others_go_on() {
    struct Panics;
    impl trace_core::sink::Sink for Panics {
        fn name(&self) -> &'static str {
            "panics"
        }
        fn store(
            &self,
            _: &[trace_core::sink::FinishedTrace],
        ) -> Vec<Result<trace_core::sink::Stored, trace_core::sink::SinkError>> {
            panic!("a bug in a sink")
        }
    }
    let tracer = trace_core::Tracer::new(Options::default(), &RedactConfig::default(), vec![Arc::new(Panics)]).unwrap();
    let report = tracer.scope(|| {
        let trace = TraceContext::start(Run::new("x"));
        trace.mark_complete();
        trace.finish().wait()
    });
    assert_eq!(report.errors.len(), 1);
    assert_eq!(tracer.failures(), 1);
    tracer.close(Duration::from_secs(5));
}
