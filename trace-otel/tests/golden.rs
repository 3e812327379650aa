//! One document as OTLP/JSON, once for each profile: what a backend gets, to the letter.
//!
//! After a wanted change: `RENEW_GOLDEN=1 cargo test -p trace-otel --test golden`, then read the difference.

#![cfg(feature = "export")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

use serde_json::Value;
use std::path::PathBuf;
use trace_core::model::Trace;
use trace_otel::{ConvertOptions, Profile, Profiles, convert};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn document() -> Trace {
    serde_json::from_slice(&std::fs::read(folder().join("document.json")).unwrap()).unwrap()
}

fn otlp(profiles: Profiles) -> Value {
    let text = convert([&document()], &ConvertOptions::new(profiles)).to_json().unwrap().to_string();
    serde_json::from_str(&text.replace(env!("CARGO_PKG_VERSION"), "VERSION")).unwrap()
}

#[track_caller]
fn compare(name: &str, profiles: Profiles) {
    let path = folder().join(format!("{name}.json"));
    let now = otlp(profiles);
    if std::env::var_os("RENEW_GOLDEN").is_some() {
        std::fs::write(&path, format!("{now:#}\n")).unwrap();
    }
    let golden: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        golden == now,
        "{} is no longer what is sent. If the change is wanted: RENEW_GOLDEN=1 cargo test -p trace-otel --test golden",
        path.display()
    );
}

#[test]
fn genai() {
    compare("genai", Profile::GenAi.into());
}

#[test]
fn mlflow() {
    compare("mlflow", Profile::Mlflow.into());
}

#[test]
fn langfuse() {
    compare("langfuse", Profile::Langfuse.into());
}

#[test]
fn phoenix() {
    compare("phoenix", Profile::Phoenix.into());
}

#[test]
fn all_profiles_at_once() {
    compare("all", Profiles::all());
}

/// All spans of a request, as OTLP/JSON has them.
fn spans(otlp: &Value) -> Vec<Value> {
    let resources = otlp["resourceSpans"].as_array().unwrap();
    resources.iter().flat_map(|resource| resource["scopeSpans"][0]["spans"].as_array().unwrap().clone()).collect()
}

fn span<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no span {name}"))
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a Value> {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key)?;
    found["value"].as_object().unwrap().values().next()
}

#[test]
fn ids_times_and_parents_are_the_documents() {
    let spans = spans(&otlp(Profile::Phoenix.into()));
    let root = span(&spans, "Support");
    assert_eq!(root["spanId"], "00000000000000aa");
    assert_eq!(root["parentSpanId"], "");
    assert_eq!(root["startTimeUnixNano"], "1770993022000000001");
    assert_eq!(root["endTimeUnixNano"], "1770993025123456789");
    assert!(spans.iter().all(|span| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"));
    let parents = [("collection", "Support"), ("search", "collection"), ("answer", "synthesis"), ("draft", "answer")];
    for (child, parent) in parents {
        assert_eq!(span(&spans, child)["parentSpanId"], span(&spans, parent)["spanId"], "{child}");
    }
    // 14:30:22.15 and 120.000001 ms.
    assert_eq!(span(&spans, "search")["endTimeUnixNano"], "1770993022270000001");
}

#[test]
fn only_the_innermost_call_reports_its_tokens() {
    for (profile, key) in [
        (Profile::GenAi, "gen_ai.usage.input_tokens"),
        (Profile::Mlflow, "mlflow.chat.tokenUsage"),
        (Profile::Langfuse, "langfuse.observation.usage_details"),
        (Profile::Phoenix, "llm.token_count.prompt"),
    ] {
        let spans = spans(&otlp(profile.into()));
        let reporting = spans.iter().filter(|span| attribute(span, key).is_some());
        let names: Vec<&str> = reporting.map(|span| span["name"].as_str().unwrap()).collect();
        let wanted = if profile == Profile::GenAi { "chat gpt-4o-mini" } else { "draft" };
        assert_eq!(names, [wanted], "{key}");
    }
}

#[test]
fn usage_is_disjoint_for_langfuse_and_inclusive_elsewhere() {
    let spans = spans(&otlp(Profiles::all()));
    let draft = span(&spans, "draft");
    let json = |key| serde_json::from_str::<Value>(attribute(draft, key).unwrap().as_str().unwrap()).unwrap();
    let buckets = json("langfuse.observation.usage_details");
    assert_eq!((&buckets["input"], &buckets["input_cached_tokens"]), (&Value::from(80), &Value::from(40)));
    assert_eq!(json("mlflow.chat.tokenUsage")["input_tokens"], 120);
    assert_eq!(attribute(draft, "gen_ai.usage.input_tokens").unwrap(), "120");
    assert_eq!(attribute(draft, "gen_ai.usage.output_tokens").unwrap(), "34");
    assert_eq!(attribute(draft, "langfuse.observation.prompt.version").unwrap(), "3");
}

#[test]
fn hostile_documents_still_give_a_tree() {
    let mut trace = document();
    trace.metadata.root_span_id = Some("00000000000000c1".to_owned()); // taken by an observation
    trace.otel_trace_id = Some("no hex".to_owned());
    trace.stages.shift_remove("_run");
    let stage = trace.stages.get_mut("synthesis").unwrap();
    stage.parent_id = Some("00000000000000c4".to_owned()); // a circle: its own grandchild
    stage.observations[2].parent_id = Some("gone".to_owned());
    stage.observations[2].id = "00000000000000c4".to_owned(); // doubled
    trace.stages.get_mut("collection").unwrap().id.clear();

    let twice = [0, 1].map(|_| convert([&trace], &ConvertOptions::new(Profile::Mlflow)));
    assert_eq!(twice[0], twice[1], "made-up ids are the same each time");
    let spans = spans(&twice[0].to_json().unwrap());
    let ids: std::collections::HashSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), spans.len(), "every id once");
    for span in &spans {
        let mut at = span;
        for _ in 0..spans.len() {
            if at["parentSpanId"] == "" {
                break;
            }
            at = spans.iter().find(|other| other["spanId"] == at["parentSpanId"]).unwrap();
        }
        assert_eq!(at["spanId"], spans[0]["spanId"], "{} reaches the root", span["name"]);
    }
}

#[test]
fn a_remote_parent_stays_the_parent_of_the_root() {
    let mut trace = document();
    trace.parent_span_id = Some("00f067aa0ba902b7".to_owned());
    let spans = spans(&convert([&trace], &ConvertOptions::default()).to_json().unwrap());
    assert_eq!(spans[0]["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(spans[0]["flags"], 0x301);
}

#[test]
fn an_empty_document_is_one_span() {
    let request = convert([&Trace::default()], &ConvertOptions::new(Profiles::all()));
    assert_eq!(request.span_count(), 1);
    assert!(!request.to_protobuf().is_empty());
}
