//! What model calls cost, from the pricer's answer to document and event stream.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

use serde_json::json;
use std::sync::Arc;
use trace_core::Options;
use trace_core::model::{LlmCall, Money, Observation, Trace, Usage};
use trace_core::pricer::{BilledCall, Pricer};
use trace_core::record::{Run, TraceContext, facts};
use trace_core::redact::RedactConfig;
use trace_core::testing::Capture;

/// One picodollar a token; knows one model.
#[derive(Debug)]
struct Picodollar;

impl Pricer for Picodollar {
    fn price(&self, call: &BilledCall<'_>) -> Option<Money> {
        match call.model {
            "known" => Some(Money::from_picodollars(i64::try_from(call.usage.total_tokens).unwrap())),
            "faulty" => panic!("a pricer of the user's"),
            _ => None,
        }
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.pricer = Some(Arc::new(Picodollar));
    options
}

/// The traces of runs in which these calls are reported.
fn traces_of(runs: Vec<Vec<LlmCall>>) -> Vec<Trace> {
    let capture = Capture::with(options(), &RedactConfig::default()).unwrap();
    for calls in runs {
        capture.scope(|| {
            let trace = TraceContext::start(Run::new("test"));
            trace.scope(|| calls.into_iter().for_each(facts::llm));
            trace.mark_complete();
        });
    }
    capture.finish()
}

fn observations(trace: &Trace) -> &[Observation] {
    &trace.stages["_run"].observations
}

fn cost(observation: &Observation) -> Option<i64> {
    observation.llm.as_ref().unwrap().cost_usd.map(Money::picodollars)
}

#[test]
fn a_call_of_a_known_model_has_its_cost_and_the_stage_the_sum() {
    let call = || LlmCall::new().model("known").usage(Usage::new(20, 3));
    let traces = traces_of(vec![vec![call(), call()]]);
    assert_eq!(observations(&traces[0]).iter().map(cost).collect::<Vec<_>>(), [Some(23), Some(23)]);
    assert_eq!(traces[0].stages["_run"].cost_usd, Some(Money::from_picodollars(46)));
}

#[test]
fn a_cost_that_the_program_says_stands_and_a_cached_answer_is_free() {
    let call = LlmCall::new().model("known").usage(Usage::new(20, 3));
    let traces = traces_of(vec![vec![call.clone().cost(Money::from_picodollars(7)), call.cached(true)]]);
    assert_eq!(observations(&traces[0]).iter().map(cost).collect::<Vec<_>>(), [Some(7), Some(0)]);
}

#[test]
fn an_unknown_model_has_no_cost_and_is_told_of_once() {
    let call = |model: &str| LlmCall::new().model(model).provider("home").usage(Usage::new(20, 3));
    let twice = || vec![call("no\u{1b}[2Jbody"), call("no\u{1b}[2Jbody"), call("faulty")];
    let traces = traces_of(vec![twice(), twice()]);
    for trace in &traces {
        assert!(observations(trace).iter().all(|call| cost(call).is_none()));
        assert_eq!(trace.stages["_run"].cost_usd, None);
    }
    let said: Vec<&str> =
        traces.iter().flat_map(|trace| &trace.warnings).map(|warning| warning.message.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains(r#"the model "no\u{1b}[2Jbody" of "home""#), "{said:?}");
}

#[test]
fn what_is_not_known_of_a_call_is_not_told_of() {
    let traces = traces_of(vec![vec![LlmCall::new().model("nobody"), LlmCall::new().usage(Usage::new(1, 1))]]);
    assert!(traces[0].warnings.is_empty());
    assert!(observations(&traces[0]).iter().all(|call| cost(call).is_none()));
}

#[test]
fn a_call_reported_in_pieces_costs_what_is_known_at_its_end() {
    let capture = Capture::with(options(), &RedactConfig::default()).unwrap();
    capture.scope(|| {
        let trace = TraceContext::start(Run::new("test"));
        trace.scope(|| {
            facts::observe("answer", "llm").scope(|| {
                facts::llm(LlmCall::new().model("known"));
                facts::llm(LlmCall::new().usage(Usage::new(5, 5)));
                facts::llm(LlmCall::new().usage(Usage::new(50, 5)));
            });
        });
        trace.mark_complete();
    });
    let traces = capture.finish();
    assert_eq!(observations(&traces[0]).iter().map(cost).collect::<Vec<_>>(), [Some(55)]);
}

#[test]
fn the_event_stream_says_the_same_cost() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options();
    options.dir = Some(dir.path().to_owned());
    let capture = Capture::with(options, &RedactConfig::default()).unwrap();
    capture.scope(|| {
        let trace = TraceContext::start(Run::new("test"));
        trace.scope(|| facts::llm(LlmCall::new().model("known").usage(Usage::new(20, 3))));
        trace.mark_complete();
    });
    let traces = capture.finish();
    let name = format!("session_{}.jsonl", traces[0].session_id);
    let stream = std::fs::read_to_string(dir.path().join("test/_traces").join(name)).unwrap();
    let costs: Vec<serde_json::Value> = stream
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "llm_interaction")
        .map(|event| event["llm"]["cost_usd"].clone())
        .collect();
    assert_eq!(costs, [json!(2.3e-11)]);
}
