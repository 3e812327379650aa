//! Backends that are down, slow, busy, broken or picky: the program does not notice, and what can arrive does, once.

#![cfg(feature = "export")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::{Act, Backend, names, store, trace, until};
use trace_core::model::Trace;
use trace_core::record::{Run, TraceContext};
use trace_core::redact::RedactConfig;
use trace_core::sink::{FinishedTrace, Sink};
use trace_core::{Options, Tracer};
use trace_otel::{ConvertOptions, ExportOptions, OtlpSink, OutboxLimits, Profiles, Protocol, export};

fn options(url: &str) -> ExportOptions {
    ExportOptions::new(url)
        .protocol(Protocol::HttpJson)
        .gzip(false)
        .timeout(Duration::from_secs(5))
        .convert(ConvertOptions::new(Profiles::NONE))
}

fn sink(url: &str, dir: &Path) -> OtlpSink {
    OtlpSink::new(options(url), dir).unwrap()
}

fn traces(count: usize) -> Vec<Trace> {
    (0..count).map(|n| trace(n, 4)).collect()
}

/// Stores traces while the backend acts as told, and waits until it has them all; each once.
#[track_caller]
fn all_arrive_once(judge: impl FnMut(&support::Arrived) -> Act + Send + 'static) -> Backend {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::start(judge);
    let sink = sink(&backend.url(), dir.path());
    let traces = traces(6);
    store(&sink, &traces);
    until("the outbox is empty", || sink.status().waiting == 0);
    assert_eq!(backend.taken(), names(&traces));
    assert_eq!(sink.status().delivered, names(&traces).len() as u64);
    backend
}

/// Acts as told for the first requests, then takes everything.
fn first(count: usize, act: impl Fn() -> Act + Send + 'static) -> impl FnMut(&support::Arrived) -> Act + Send {
    let mut seen = 0;
    move |_| {
        seen += 1;
        if seen <= count { act() } else { Act::Take }
    }
}

#[test]
fn a_healthy_backend_has_everything_at_once() {
    let backend = all_arrive_once(|_| Act::Take);
    let head = &backend.arrived()[0].head;
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
}

#[test]
fn what_is_recorded_while_the_backend_is_down_arrives_when_it_is_up() {
    let dir = tempfile::tempdir().unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let traces = traces(8);

    let first = sink(&url, dir.path());
    store(&first, &traces[..4]);
    until("it was tried", || first.status().last_error.is_some());
    assert_eq!(first.status().waiting, 4);
    // The program ends, and another one starts, still without a backend.
    drop(first);
    let second = sink(&url, dir.path());
    store(&second, &traces[4..]);
    assert_eq!(second.status().waiting, 8);

    let backend = Backend::start_at(address, |_| Act::Take);
    second.flush();
    until("the outbox is empty", || second.status().waiting == 0);
    assert_eq!(backend.taken(), names(&traces));
}

#[test]
fn a_busy_backend_is_left_alone_for_as_long_as_it_asks() {
    let backend = all_arrive_once(first(1, || Act::Answer(429, "retry-after: 1\r\n", "slow down")));
    let arrived = backend.arrived();
    assert!(arrived[1].at - arrived[0].at >= Duration::from_secs(1));
}

#[test]
fn a_busy_backend_may_ask_with_a_date() {
    // Dates have whole seconds: this one is more than one ahead, and less than two.
    let date = |_: &support::Arrived| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap();
        Act::Answer(503, String::leak(format!("retry-after: {date}\r\n")), "starting")
    };
    let mut first = Some(date);
    let backend = all_arrive_once(move |arrived| first.take().map_or(Act::Take, |date| date(arrived)));
    let arrived = backend.arrived();
    assert!(arrived[1].at - arrived[0].at >= Duration::from_secs(1));
}

#[test]
fn a_backend_that_hangs_up_gets_everything_later() {
    all_arrive_once(first(1, || Act::HangUp));
}

#[test]
fn a_backend_that_answers_by_halves_gets_everything_later() {
    all_arrive_once(first(1, || Act::HalfAnswer));
}

#[test]
fn a_broken_backend_gets_everything_when_it_is_mended() {
    all_arrive_once(first(2, || Act::Answer(500, "", "out of order")));
}

#[test]
fn a_backend_that_takes_little_at_a_time_gets_little_at_a_time() {
    all_arrive_once(|arrived| if arrived.names().len() > 7 { Act::Answer(413, "", "too large") } else { Act::Take });
}

/// Stores traces of which one span is bad, and returns the names of the spans that the backend took and the refused files.
#[track_caller]
fn with_a_bad_span(status: u16) {
    let dir = tempfile::tempdir().unwrap();
    let bad = "stage 3.2".to_owned();
    let of_judge = bad.clone();
    let backend = Backend::start(move |arrived| {
        if arrived.names().contains(&of_judge) { Act::Answer(status, "", "bad span") } else { Act::Take }
    });
    let sink = sink(&backend.url(), dir.path());
    let traces = traces(6);
    store(&sink, &traces);
    until("the good traces have arrived", || backend.taken().len() >= 25);
    // A backend that breaks is given more than one chance; something new shows that it is not broken for others.
    store(&sink, &[trace(99, 0)]);
    until("the outbox is empty", || sink.status().waiting == 0);

    let mut wanted = names(&traces);
    wanted.retain(|name| *name != bad);
    wanted.push("run 99".to_owned());
    wanted.sort();
    assert_eq!(backend.taken(), wanted);
    let status = sink.status();
    assert_eq!((status.refused, status.dropped), (1, 0));
    let refused: Vec<_> = std::fs::read_dir(&status.refused_folder).unwrap().collect();
    let text = std::fs::read_to_string(refused[0].as_ref().unwrap().path()).unwrap();
    assert!(refused.len() == 1 && text.contains("bad span") && text.contains(&bad), "{text}");
}

#[test]
fn one_span_that_is_refused_costs_no_other() {
    with_a_bad_span(400);
    with_a_bad_span(422);
}

#[test]
fn one_span_that_breaks_the_backend_costs_no_other() {
    with_a_bad_span(500);
}

#[test]
fn spans_that_the_backend_left_out_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let body = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"two were too old"}}"#;
    let backend = Backend::start(move |_| Act::TakeSaying(body));
    let sink = sink(&backend.url(), dir.path());
    store(&sink, &[trace(1, 4)]);
    until("the outbox is empty", || sink.status().waiting == 0);
    let status = sink.status();
    assert_eq!((status.delivered, status.left_out), (3, 2));
    assert_eq!(status.last_error.as_deref(), Some("two were too old"));
}

#[test]
fn the_program_does_not_wait_for_a_slow_backend() {
    let dir = tempfile::tempdir().unwrap();
    // Longer than the program waits for a trace to be kept.
    let backend = Backend::start(|_| Act::Sleep(Duration::from_secs(20)));
    let sink = Arc::new(OtlpSink::new(options(&backend.url()).timeout(Duration::from_secs(15)), dir.path()).unwrap());
    let tracer = Tracer::new(Options::default(), &RedactConfig::default(), vec![Arc::clone(&sink) as Arc<dyn Sink>]);
    let report = tracer.unwrap().scope(|| {
        let trace = TraceContext::start(Run::new("patient"));
        trace.mark_complete();
        trace.finish().wait()
    });
    assert_eq!(report.errors, [""; 0], "kept while the backend has not answered yet");
    assert_eq!((sink.status().waiting, sink.status().delivered), (1, 0));
}

#[test]
fn a_full_outbox_is_counted_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let limits = OutboxLimits { entries: 1, ..OutboxLimits::default() };
    let sink = OtlpSink::with_limits(options("http://127.0.0.1:9"), dir.path(), limits).unwrap();
    let finished = |n| FinishedTrace { trace: Arc::new(trace(n, 1)), project_dir: None, sampled: true, again: false };
    let answers = sink.store(&[finished(1), finished(2)]);
    assert!(answers[0].is_ok());
    assert!(answers[1].as_ref().unwrap_err().message.contains("is full"), "{answers:?}");
    assert_eq!(sink.status().dropped, 1);
}

#[test]
fn what_is_not_sampled_or_comes_again_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::start(|_| Act::Take);
    let sink = sink(&backend.url(), dir.path());
    let finished =
        |n, sampled, again| FinishedTrace { trace: Arc::new(trace(n, 0)), project_dir: None, sampled, again };
    sink.store(&[finished(1, false, false), finished(2, true, true), finished(3, true, false)]);
    until("the outbox is empty", || sink.status().waiting == 0);
    until("the one has arrived", || backend.taken() == ["run 3"]);
    assert_eq!(sink.status().outdated, 1);
}

#[test]
fn stored_documents_are_exported_with_a_report() {
    let traces = traces(40);
    let backend = Backend::start(first(1, || Act::Answer(503, "", "starting")));
    let report = export(&traces, &options(&backend.url()).max_request(30, usize::MAX)).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!((report.traces, report.delivered), (40, 200));
    assert_eq!(backend.taken(), names(&traces));
    assert!(backend.arrived().iter().all(|arrived| arrived.names().len() <= 30));
}

#[test]
fn an_export_that_is_not_let_in_says_so() {
    let backend = Backend::start(|_| Act::Answer(401, "", "who are you?"));
    let report = export(&traces(2), &options(&backend.url())).unwrap();
    assert_eq!((report.delivered, report.undelivered), (0, 10));
    assert_eq!(report.messages, ["status 401: who are you?"]);
    assert_eq!(backend.arrived().len(), 1, "asking again would not help");
}

#[test]
fn an_export_gives_up_after_its_time() {
    let report = export(&traces(1), &options("http://127.0.0.1:9").retry_for(Duration::ZERO)).unwrap();
    assert_eq!((report.delivered, report.undelivered, report.messages.len()), (0, 5, 1));
}

#[test]
fn headers_and_compression_go_out_as_asked() {
    let backend = Backend::start(|_| Act::Take);
    let options = ExportOptions::new(backend.url()).header("Authorization", "Bearer s3cret").profiles(Profiles::all());
    export(&traces(1), &options).unwrap();
    let arrived = &backend.arrived()[0];
    for line in [
        "authorization: bearer s3cret",
        "content-type: application/x-protobuf",
        "content-encoding: gzip",
        "x-mlflow-experiment-id: 0",
        "x-langfuse-ingestion-version: 4",
    ] {
        assert!(arrived.head.lines().any(|head| head == line), "{line} in {}", arrived.head);
    }
    assert_eq!(arrived.body[..2], [0x1f, 0x8b]);
}

#[test]
fn options_that_cannot_be_taken_are_errors() {
    for url in ["", "no url", "ftp://host/", "http://"] {
        assert!(export(&[], &ExportOptions::new(url)).is_err(), "{url}");
    }
    assert!(export(&[], &options("http://127.0.0.1:9").header("bad header", "x")).is_err());
    assert!(export(&[], &options("https://127.0.0.1:9").certificate("/nowhere/ca.pem")).is_err());
    #[cfg(not(feature = "grpc"))]
    assert!(export(&[], &options("http://127.0.0.1:9").protocol(Protocol::Grpc)).is_err());
}
