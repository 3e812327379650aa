//! Documents written by real Python are read without loss. `fixtures/reference.py` wrote them.
#![allow(clippy::unwrap_used)]

use trace_core::import::{ImportError, read_document};
use trace_core::model::{Outcome, Status, Trace};

const COMPLETE: &str = include_str!("fixtures/reference_complete.json");
const HOSTILE: &str = include_str!("fixtures/reference_hostile.json");

/// Whether every text and number of the document is somewhere in what was read.
fn assert_nothing_lost(text: &str, trace: &Trace) {
    let written = serde_json::to_string(trace).unwrap();
    let source: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut rest = vec![&source];
    while let Some(value) = rest.pop() {
        match value {
            serde_json::Value::Array(items) => rest.extend(items),
            serde_json::Value::Object(members) => rest.extend(members.values()),
            serde_json::Value::String(text) => {
                let option = text.split(" (0.").next().unwrap();
                let part = serde_json::to_string(option).unwrap();
                let is_time = text.parse::<trace_core::model::Timestamp>().is_ok();
                assert!(is_time || written.contains(part.trim_matches('"')), "{text} is gone");
            }
            serde_json::Value::Number(number) => {
                assert!(written.contains(&number.to_string()), "{number} is gone");
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
    }
}

#[test]
fn a_document_of_the_reference_is_read_without_loss() {
    let trace = read_document(COMPLETE).unwrap();
    assert_nothing_lost(COMPLETE, &trace);
    assert_eq!(
        (trace.trace_id.as_str(), trace.session_id.as_str()),
        ("trc_20260213_143022_a1b2c3d4", "trc_20260213_143022_a1b2c3d4")
    );
    assert_eq!((trace.project_id.as_str(), trace.schema_version, trace.iteration_count), ("my-project", 1, 2));
    assert_eq!((trace.run.status, trace.run.duration_seconds), (Status::Complete, Some(83.5)));
    assert_eq!(trace.run.started_at.unwrap().to_string(), "2026-02-13T14:30:22.123456Z");
    assert_eq!(trace.run.fields["tier_config"]["tier"], "free");
    assert_eq!(trace.extra["written_by"]["host"], "build-7");
    assert_eq!(trace.child_traces[0].trace_id, "trc_20260213_150000_00000001");
    assert!(trace.calibration_flags[0].message.starts_with("Principle META-12"));

    assert_eq!(trace.stages.keys().collect::<Vec<_>>(), ["collection", "analysis", "quality_gate"]);
    let collection = &trace.stages["collection"];
    assert_eq!((collection.outcome, collection.index), (Some(Outcome::Ok), 0));
    let evidence = collection.evidence.as_ref().unwrap();
    assert_eq!((evidence.collected, evidence.passed, evidence.by_source["exa"]), (Some(150), Some(120), 100));
    assert_eq!(evidence.extra["window_days"], 30);
    let decision = &collection.decisions[0];
    let alternatives: Vec<_> =
        decision.alternatives_considered.iter().map(|one| (one.option.as_str(), one.confidence)).collect();
    assert_eq!(alternatives, [("google", Some(0.6)), ("reddit", Some(0.4)), ("ask (a human)", None)]);
    assert_ne!(decision.id, collection.decisions[1].id);
    assert_eq!(trace.stages["analysis"].error.as_ref().unwrap().message, "TimeoutError: no answer");
    let scores: Vec<_> =
        trace.stages["quality_gate"].principle_scores.iter().map(|score| (score.id.as_str(), score.score)).collect();
    assert_eq!(scores, [("META-1", 3.0), ("META-12", 1.0)]);
}

#[test]
fn what_is_read_is_a_document_of_ours() {
    for text in [COMPLETE, HOSTILE] {
        let trace = read_document(text).unwrap();
        let written = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::to_string(&read_document(&written).unwrap()).unwrap(), written, "reading it again");
        let direct: Trace = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&direct).unwrap(), written);
    }
}

#[test]
fn nulls_words_and_wrong_types_are_read_as_far_as_they_go() {
    let trace = read_document(HOSTILE).unwrap();
    assert_eq!(trace.run.query.as_deref(), Some("half a pair: \u{fffd}, a whole one: \u{1f600}"));
    assert_eq!(trace.run.started_at.unwrap().to_string(), "2026-02-13T14:30:22.5Z");
    assert_eq!(trace.tags["n"], "1");
    assert_eq!(trace.stages.keys().collect::<Vec<_>>(), ["intake", "intake#2", "stage"]);
    let intake = &trace.stages["intake"];
    assert!(intake.principle_scores[0].score.is_nan());
    assert_eq!(intake.extra["evidence_imported"], "none");
    assert_eq!(intake.extra["duration_seconds_imported"], "NaN");
    assert_eq!((&intake.outputs["ratio"], &intake.outputs["text"]), (&"Infinity".into(), &"NaN, \\\" Infinity".into()));
    let decision = &trace.stages["intake#2"].decisions[0];
    assert_eq!((decision.what.as_str(), decision.confidence), (r#"{"a":1}"#, Some(0.5)));
    assert_eq!(decision.extra["inputs_imported"], "none");
    assert_eq!(trace.stages["intake#2"].extra["decisions_imported"][0], 7);
}

#[test]
fn what_is_no_trace_is_refused_by_name() {
    for (text, missing) in [
        ("[]", "`trace_id` and `run`, `stages` or `status` missing"),
        ("7", "`trace_id` and"),
        (r#"{"trace_id":"","run":{}}"#, "not a trace: `trace_id` missing"),
        (r#"{"trace_id":"t","stage":{}}"#, "not a trace: `run`, `stages` or `status` missing"),
    ] {
        let error = read_document(text).unwrap_err();
        assert!(matches!(error, ImportError::NotATrace { .. }), "{text}");
        assert!(error.to_string().contains(missing), "{error}");
    }
    for text in ["", "{", "{\"trace_id\": tru", &r#"{"a":"#.repeat(100_000)] {
        assert!(matches!(read_document(text), Err(ImportError::Json(_))), "{}", &text[..text.len().min(10)]);
    }
}

#[test]
fn a_document_of_ours_keeps_every_digit() {
    let mut trace = Trace { trace_id: "t".into(), ..Trace::default() };
    trace.metadata.generator = "whytrace 0.1.0".into();
    let stage = trace_core::model::Stage { cost_usd: Some("8191.123456789012".parse().unwrap()), ..Default::default() };
    trace.stages.insert("synthesis".into(), stage);
    let written = serde_json::to_string(&trace).unwrap();
    assert_eq!(read_document(&written).unwrap(), trace);
    // A null by another hand does not lose the digits either.
    let edited = written.replace(r#""tags":{}"#, r#""tags":null"#);
    assert_eq!(read_document(&edited).unwrap().stages["synthesis"].cost_usd, trace.stages["synthesis"].cost_usd);
}
