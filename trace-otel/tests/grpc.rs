//! What a collector may say over gRPC, and what becomes of the spans.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

#[path = "support/certificates.rs"]
#[allow(dead_code, reason = "for the collectors of other tests")]
mod certificates;
#[path = "support/collector.rs"]
mod collector;
mod support;

use collector::Collector;
use prost::Message;
use std::time::Duration;
use support::{names, trace, until};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use trace_core::model::Trace;
use trace_otel::{ConvertOptions, ExportOptions, ExportReport, OtlpSink, Profiles, Protocol, export};

fn options(collector: &Collector) -> ExportOptions {
    ExportOptions::new(collector.url())
        .protocol(Protocol::Grpc)
        .timeout(Duration::from_secs(20))
        .convert(ConvertOptions::new(Profiles::NONE))
}

fn traces(count: usize) -> Vec<Trace> {
    (0..count).map(|n| trace(n, 4)).collect()
}

/// Answers with a status for the first requests, then takes everything.
fn first(count: usize, status: Status) -> impl FnMut(&[String]) -> Result<(), Status> + Send {
    let mut seen = 0;
    move |_| {
        seen += 1;
        if seen <= count { Err(status.clone()) } else { Ok(()) }
    }
}

/// The details of a status that ask to be left alone, as a collector writes them.
fn asks_for(delay: Duration) -> Vec<u8> {
    #[derive(prost::Message)]
    struct Outer {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
        #[prost(message, repeated, tag = "3")]
        details: Vec<Any>,
    }
    #[derive(prost::Message)]
    struct Any {
        #[prost(string, tag = "1")]
        type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }
    #[derive(prost::Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        retry_delay: Option<Delay>,
    }
    #[derive(prost::Message)]
    struct Delay {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(int32, tag = "2")]
        nanos: i32,
    }
    let retry_delay = Some(Delay { seconds: delay.as_secs().cast_signed(), nanos: delay.subsec_nanos().cast_signed() });
    let retry = Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
        value: RetryInfo { retry_delay }.encode_to_vec(),
    };
    let other = Any { type_url: "type.googleapis.com/google.rpc.DebugInfo".to_owned(), value: Vec::new() };
    Outer { code: 14, message: "busy".to_owned(), details: vec![other, retry] }.encode_to_vec()
}

fn sent(collector: &Collector, traces: &[Trace]) -> ExportReport {
    export(traces, &options(collector)).unwrap()
}

/// All arrives once, after one more try, which comes no earlier than was asked.
#[track_caller]
fn arrives_later(status: Status, not_before: Duration) {
    let collector = Collector::start(first(1, status));
    let traces = traces(3);
    let report = sent(&collector, &traces);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(collector.names(), names(&traces));
    let arrived = collector.arrived();
    assert_eq!(arrived.len(), 2);
    assert!(arrived[1] - arrived[0] >= not_before);
}

#[test]
fn what_passes_is_tried_again() {
    for code in [Code::Unavailable, Code::DeadlineExceeded, Code::Aborted, Code::Cancelled, Code::DataLoss] {
        arrives_later(Status::new(code, "not now"), Duration::ZERO);
    }
    for code in [Code::Internal, Code::Unknown, Code::OutOfRange] {
        arrives_later(Status::new(code, "out of order"), Duration::ZERO);
    }
}

#[test]
fn a_collector_is_left_alone_for_as_long_as_it_asks() {
    let asked = Duration::from_millis(1100);
    for code in [Code::Unavailable, Code::ResourceExhausted] {
        arrives_later(Status::with_details(code, "busy", asks_for(asked).into()), asked);
    }
    let mut metadata = MetadataMap::new();
    metadata.insert("grpc-retry-pushback-ms", "1100".parse().unwrap());
    arrives_later(Status::with_metadata(Code::Unavailable, "busy", metadata), asked);
}

#[test]
fn one_span_that_is_not_valid_is_not_tried_again_and_costs_no_other() {
    let bad = "stage 1.2";
    let judge = move |names: &[String]| {
        if names.iter().any(|name| name == bad) { Err(Status::invalid_argument("bad span")) } else { Ok(()) }
    };
    let collector = Collector::start(judge);
    let traces = traces(3);
    let report = sent(&collector, &traces);
    let mut wanted = names(&traces);
    wanted.retain(|name| name != bad);
    assert_eq!((collector.names(), report.delivered, report.undelivered), (wanted, 14, 0));
    let [refused] = &report.refused[..] else { panic!("one span in {report:?}") };
    assert_eq!((refused.name.as_str(), refused.reason.as_str()), (bad, "InvalidArgument: bad span"));

    let everything = Collector::start(|_| Err(Status::invalid_argument("no")));
    assert_eq!(sent(&everything, &[trace(1, 0)]).refused.len(), 1);
    assert_eq!(everything.arrived().len(), 1, "asking again would not help");
}

#[test]
fn a_request_that_is_too_large_is_sent_in_parts() {
    let judge = |names: &[String]| {
        if names.len() > 4 { Err(Status::resource_exhausted("message larger than max")) } else { Ok(()) }
    };
    let collector = Collector::start(judge);
    let traces = traces(3);
    assert!(sent(&collector, &traces).is_complete());
    assert_eq!(collector.names(), names(&traces));
}

#[test]
fn a_collector_that_does_not_let_one_in_is_not_asked_again() {
    for code in [Code::Unauthenticated, Code::PermissionDenied, Code::Unimplemented, Code::NotFound] {
        let collector = Collector::start(move |_| Err(Status::new(code, "who are you?")));
        let report = sent(&collector, &traces(1));
        assert_eq!((report.delivered, report.undelivered), (0, 5));
        assert_eq!(report.messages, [format!("{code:?}: who are you?")]);
        assert_eq!(collector.arrived().len(), 1);
    }
}

#[test]
fn a_collector_that_does_not_answer_in_time_is_tried_again() {
    let collector = Collector::start({
        let mut seen = 0;
        move |_| {
            seen += 1;
            if seen == 1 {
                std::thread::sleep(Duration::from_millis(600));
            }
            Ok(())
        }
    });
    // The collector took the first request too: what was not answered in time is sent again, with the same ids.
    let report = export(&traces(1), &options(&collector).timeout(Duration::from_millis(300))).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(collector.arrived().len() > 1);
}

#[test]
fn the_sink_delivers_over_grpc_when_the_collector_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(first(2, Status::unavailable("starting")));
    let sink = OtlpSink::new(options(&collector), dir.path()).unwrap();
    let traces = traces(3);
    support::store(&sink, &traces);
    until("the outbox is empty", || sink.status().waiting == 0);
    assert_eq!(collector.names(), names(&traces));
    assert_eq!(sink.status().delivered, 15);
}

#[test]
fn a_collector_that_is_not_there_is_said_with_its_reason() {
    let options = ExportOptions::new("http://127.0.0.1:9").protocol(Protocol::Grpc).retry_for(Duration::ZERO);
    let report = export(&traces(1), &options).unwrap();
    let [message] = &report.messages[..] else { panic!("one message in {report:?}") };
    assert!(message.starts_with("Unavailable: ") && message.contains("onnection refused"), "{message}");
}
