//! Content off: lengths and hashes are left of what a user gave; measures and names stay.

use super::with;
use crate::event::{Body, DecisionMade, ObservationEnd, ObservationStart, TraceStart};
use crate::model::{Alternative, ErrorInfo, LlmCall, Usage};
use crate::text::{Withheld, hash};
use serde_json::{Value, json};

fn off(mut body: Body) -> Value {
    let redactor = with(|config| config.content = false);
    redactor.body(&mut body);
    let once = body.clone();
    redactor.body(&mut body);
    assert_eq!(body, once, "withholding twice is withholding once");
    serde_json::to_value(&body).unwrap()
}

fn is_withheld(value: &Value, content: &str) -> bool {
    let mark = value.as_str().and_then(Withheld::parse).unwrap();
    mark.bytes == content.len() as u64 && mark.hash == hash(content)
}

#[test]
fn a_model_call_keeps_what_is_measured() {
    let llm = LlmCall::new()
        .model("m")
        .parameter("temperature", 0.5)
        .parameter("stop", "private")
        .message("user", "private é")
        .response("private answer")
        .usage(Usage::new(3, 4));
    let body = off(Body::ObservationStart(ObservationStart {
        name: "call".into(),
        input: json!({ "query": "private", "depth": 3 }),
        llm: Some(Box::new(llm)),
        ..ObservationStart::default()
    }));
    assert!(!body.to_string().contains("private"), "{body}");
    assert_eq!(body["name"], "call");
    assert!(is_withheld(&body["input"]["query"], "private"));
    assert!(is_withheld(&body["input"]["depth"], "3"));
    let llm = &body["llm"];
    assert_eq!((&llm["model"], &llm["usage"]["total_tokens"]), (&json!("m"), &json!(7)));
    assert_eq!(llm["parameters"]["temperature"], 0.5);
    assert_eq!(llm["messages"][0]["role"], "user");
    assert!(is_withheld(&llm["messages"][0]["content"], "private é"));
    assert!(is_withheld(&llm["response"], "private answer"));
}

#[test]
fn a_decision_keeps_its_point_and_confidences() {
    let body = off(Body::DecisionMade(DecisionMade {
        decision: "source_selected".into(),
        what: "private".into(),
        why: "private because".into(),
        confidence: Some(0.9),
        alternatives_considered: vec![Alternative { option: "private too".into(), confidence: Some(0.1) }],
        ..DecisionMade::default()
    }));
    assert!(!body.to_string().contains("private"), "{body}");
    assert_eq!((&body["decision"], &body["confidence"]), (&json!("source_selected"), &json!(0.9)));
    assert_eq!(body["alternatives_considered"][0]["confidence"], 0.1);
    assert!(is_withheld(&body["why"], "private because"));
}

#[test]
fn hashes_are_those_of_redacted_text() {
    let error = ErrorInfo { kind: Some("E".into()), message: "password=hunter2".into(), ..ErrorInfo::default() };
    let body = off(Body::ObservationEnd(ObservationEnd { error: Some(error), ..ObservationEnd::default() }));
    assert!(is_withheld(&body["error"]["message"], "password=[redacted]"));
    assert_eq!(body["error"]["type"], "E");
    assert_eq!(body["output"], Value::Null);
}

#[test]
fn a_run_keeps_its_labels_and_numbers() {
    let fields = json!({ "rubric_scores": { "a": 2.5 }, "note": "private" });
    let body = off(Body::TraceStart(TraceStart {
        project_name: "cobot".into(),
        intent: Some("validating".into()),
        query: Some("private".into()),
        fields: fields.as_object().unwrap().clone(),
        ..TraceStart::default()
    }));
    assert!(!body.to_string().contains("private"), "{body}");
    assert_eq!((&body["project_name"], &body["intent"]), (&json!("cobot"), &json!("validating")));
    assert_eq!(body["fields"]["rubric_scores"]["a"], 2.5);
}
