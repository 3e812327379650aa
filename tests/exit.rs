//! The ways a program ends: nothing that was recorded is lost when `main` returns, panics, or calls `exit` after a flush.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use std::path::Path;
use whytrace::prelude::*;

#[traced_stage("work")]
fn work(steps: usize) {
    for n in 0..steps {
        decision!("step", what = n.to_string(), why = "numbered");
    }
}

#[traced_run(project = "ends", query = "to the end")]
fn run(steps: usize) {
    work(steps);
}

#[traced_run(project = "ends", query = "into the wall")]
fn run_into_the_wall() {
    work(10);
    panic!("the wall");
}

/// Plays a part in a program of its own.
fn play(part: &str) {
    let guard = whytrace::init();
    match part {
        "returns" => run(2_000),
        "panics in the run" => run_into_the_wall(),
        "panics after the run" => {
            run(2_000);
            panic!("after the run");
        }
        "exits after dropping the guard" => {
            run(2_000);
            drop(guard);
            std::process::exit(3);
        }
        "exits inside of a run" => {
            let trace = whytrace::TraceContext::start(whytrace::Run::new("ends"));
            trace.scope(|| work(10));
            drop(guard);
            std::process::exit(3);
        }
        "exits at once" => {
            run(10);
            std::process::exit(3);
        }
        "shuts down in async code" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                run(2_000);
                guard.shutdown().await;
                run(2_000); // is not recorded any more, and does no harm
            });
        }
        "only starts" => {}
        other => panic!("no part {other}"),
    }
}

/// Runs a part to its end; the program's exit code.
fn ends(test: &str, part: &str, dir: &Path) -> Option<i32> {
    support::program(test, part, dir).output().unwrap().status.code()
}

macro_rules! ends {
    ($($test:ident: $part:literal, $code:literal, $status:literal, $decisions:literal;)*) => {$(
        #[test]
        fn $test() {
            if let Some(part) = support::part() {
                return play(&part);
            }
            let dir = tempfile::tempdir().unwrap();
            assert_eq!(ends(stringify!($test), $part, dir.path()), Some($code));
            kept_whole(&dir.path().join("traces"), $status, $decisions);
        }
    )*};
}

/// The one trace is there as document, stream and row, with all of its decisions.
#[track_caller]
fn kept_whole(traces: &Path, status: &str, decisions: usize) {
    let document = support::document(traces);
    assert_eq!(document["run"]["status"], status);
    assert_eq!(support::decisions(&document).len(), decisions);
    assert_eq!(document["metadata"]["dropped_events"], 0);
    let events = support::events(traces);
    assert_eq!((support::count(&events, "decision"), support::count(&events, "trace_end")), (decisions, 1));
    let rows = support::rows(traces, "select status, cast(decision_count as text) from traces");
    assert_eq!(rows, [[status.to_owned(), decisions.to_string()]]);
}

// libtest, which plays `main` here, ends with 101 after a panic.
ends! {
    main_returns: "returns", 0, "complete", 2_000;
    main_panics_in_the_run: "panics in the run", 101, "failed", 10;
    main_panics_after_the_run: "panics after the run", 101, "complete", 2_000;
    exit_is_called_after_the_guard_was_dropped: "exits after dropping the guard", 3, "complete", 2_000;
    exit_is_called_inside_of_a_run: "exits inside of a run", 3, "incomplete", 10;
    the_guard_is_shut_down_in_async_code: "shuts down in async code", 0, "complete", 2_000;
}

#[test]
fn the_next_start_keeps_what_an_exit_without_flush_left_in_the_stream() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "the_next_start_keeps_what_an_exit_without_flush_left_in_the_stream";
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(ends(test, "exits at once", dir.path()), Some(3));
    let traces = dir.path().join("traces");
    let recorded = !support::events(&traces).is_empty();
    assert_eq!(ends(test, "only starts", dir.path()), Some(0));
    // Whatever reached the stream in that moment is a document now.
    assert_eq!(support::documents(&traces).len(), usize::from(recorded));
}

/// A real `main`: the smallest example, built and run as a user would.
#[test]
fn the_smallest_example_leaves_its_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut example = std::process::Command::new(env!("CARGO"));
    let example =
        example.args(["run", "--quiet", "--example", "smallest"]).env("WHYTRACE_DIR", dir.path().join("traces"));
    support::run(example.current_dir(env!("CARGO_MANIFEST_DIR")));
    let document = support::document(dir.path());
    assert_eq!(document["run"]["status"], "complete");
    assert_eq!(document["stages"].as_object().unwrap().len(), 2);
    assert_eq!(support::decisions(&document).len(), 1);
}
