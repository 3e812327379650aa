//! A process that is killed: what was flushed before is there after the next start, as a trace that is `incomplete`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on stops where it stands")]

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use whytrace::prelude::*;

/// Longer than anything recorded waits before it is in the stream.
const FLUSHED: Duration = Duration::from_millis(500);

/// Tells the test that the moment has come, and waits for the end that it brings.
fn wait_to_be_killed() {
    std::thread::sleep(FLUSHED);
    println!("ready");
    std::thread::sleep(Duration::from_secs(60));
}

#[traced_stage("collection")]
fn collection() {
    decision!("source_selected", what = "handbook", why = "the only one", confidence = 0.8, alternatives = ["web" => 0.3]);
    whytrace::evidence(Evidence::new().collected(3).kept("doc-1", "handbook", 0.9, "names the topic"));
}

#[traced_stage("synthesis")]
fn synthesis() {
    ask("What does the handbook say?");
}

#[observable("draft", kind = "llm", model = "slow-1", input(question))]
fn ask(question: &str) {
    whytrace::llm(LlmCall::new().message("user", question));
    wait_to_be_killed();
}

#[traced_run(project = "victim", query = query)]
fn run(query: &str) {
    collection();
    synthesis();
}

#[traced_run(project = "victim", query = "endless")]
fn endless() {
    std::thread::spawn(|| {
        std::thread::sleep(FLUSHED);
        println!("ready");
    });
    for n in 0_u64.. {
        decision!("step", what = n.to_string(), why = "numbered");
    }
}

/// Plays a part in a program of its own.
fn play(part: &str) {
    let _guard = whytrace::init();
    match part {
        "victim" => run("Can I send it back?"),
        "endless" => endless(),
        "next" => {}
        other => panic!("no part {other}"),
    }
}

/// Starts a program and waits until it says that it is ready.
fn started(test: &str, part: &str, dir: &Path) -> Child {
    let mut child = support::program(test, part, dir).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // libtest writes the name of the test on the same line.
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("ready")), "{part} ended by itself");
    child
}

/// Sends SIGKILL, which no program can see.
fn kill(mut child: Child) {
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn the_next_start_recovers_a_killed_run_with_everything_that_was_flushed() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "the_next_start_recovers_a_killed_run_with_everything_that_was_flushed";
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    kill(started(test, "victim", dir.path()));
    let flushed = support::events(&traces);
    for kind in ["trace_start", "decision", "evidence", "stage_end", "observation_start"] {
        assert!(support::count(&flushed, kind) > 0, "{kind} in {flushed:#?}");
    }
    assert_eq!(support::count(&flushed, "trace_end"), 0);
    assert!(support::documents(&traces).is_empty());

    support::run(&mut support::program(test, "next", dir.path()));
    let document = support::document(&traces);
    assert_eq!(document["run"]["status"], "incomplete");
    assert_eq!(document["run"]["query"], "Can I send it back?");
    assert_eq!(document["stages"]["collection"]["outcome"], "ok");
    assert_eq!(document["stages"]["collection"]["decisions"][0]["what"], "handbook");
    assert_eq!(document["stages"]["collection"]["evidence"]["items"][0]["id"], "doc-1");
    assert_eq!(document["stages"]["synthesis"]["outcome"], Value::Null);
    let call = &document["stages"]["synthesis"]["observations"][0];
    assert_eq!(call["kind"], "llm");
    assert_eq!(call["messages"][0]["content"], "What does the handbook say?", "{call:#}");
    let row = support::rows(&traces, "select trace_id, status, query from traces");
    assert_eq!(row, [[document["trace_id"].as_str().unwrap(), "incomplete", "Can I send it back?"]]);

    // Another start finds nothing more to do.
    let before = std::fs::read(&support::streams(&traces)[0]).unwrap();
    support::run(&mut support::program(test, "next", dir.path()));
    assert_eq!(std::fs::read(&support::streams(&traces)[0]).unwrap(), before);
    assert_eq!(support::document(&traces), document);
}

#[test]
fn a_run_killed_while_it_records_keeps_every_whole_line() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "a_run_killed_while_it_records_keeps_every_whole_line";
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    kill(started(test, "endless", dir.path()));
    // As if the machine had stopped in the middle of a line.
    let stream = support::streams(&traces).remove(0);
    let mut text = std::fs::read_to_string(&stream).unwrap();
    text.push_str("{\"event\":\"decision\",\"seq\":999999999,\"what\":\"hal");
    std::fs::write(&stream, text).unwrap();
    let flushed = support::count(&support::events(&traces), "decision");
    assert!(flushed > 0);

    support::run(&mut support::program(test, "next", dir.path()));
    let document = support::document(&traces);
    assert_eq!(document["run"]["status"], "incomplete");
    let only_in_stream = document["metadata"]["stream_only"].as_u64().unwrap();
    assert_eq!(support::decisions(&document).len() as u64 + only_in_stream, flushed as u64);
    assert!(support::rows(&traces, "select status from traces").iter().all(|row| row[0] == "incomplete"));
}

#[test]
fn the_traces_of_a_running_process_are_left_alone() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "the_traces_of_a_running_process_are_left_alone";
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    let running = started(test, "victim", dir.path());
    support::run(&mut support::program(test, "next", dir.path()));
    assert_eq!(support::count(&support::events(&traces), "trace_end"), 0);
    assert!(support::documents(&traces).is_empty());
    kill(running);
    support::run(&mut support::program(test, "next", dir.path()));
    assert_eq!(support::document(&traces)["run"]["status"], "incomplete");
}
