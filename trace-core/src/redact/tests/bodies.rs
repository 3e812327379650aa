//! A secret in every string of every event. The events are written out without `..`, so a new field must be planted too.

use super::super::Redactor;
use super::with;
use crate::event::*;
use crate::model::{
    Alternative, Attempt, CalibrationFlag, ChildTrace, ErrorInfo, Evidence, EvidenceItem, Gate, Iteration, Kind,
    LlmCall, Object, Outcome, Score, Status, Usage,
};
use serde_json::{Value, json};

const SECRET: &str = "hf_0123456789abcdefghijABCDEFGHIJ";

fn planted() -> String {
    format!("see {SECRET} here")
}

fn some() -> Option<String> {
    Some(planted())
}

fn value() -> Value {
    json!({ planted(): planted(), "list": [planted(), { "password": "hunter2", planted(): [planted()] }], "t": "password=hunter2" })
}

fn object() -> Object {
    value().as_object().unwrap().clone()
}

fn error() -> ErrorInfo {
    ErrorInfo {
        kind: some(),
        message: planted(),
        chain: vec![planted()],
        backtrace: some(),
        location: some(),
        extra: object(),
    }
}

fn llm() -> Box<LlmCall> {
    Box::new(LlmCall {
        prompt_name: some(),
        prompt_version: Some(1),
        prompt_registry_name: some(),
        prompt_uri: some(),
        template_hash: some(),
        model: some(),
        provider: some(),
        parameters: object(),
        messages: json!([{ "role": planted(), "content": planted(), planted(): 1 }, planted()]),
        response: value(),
        usage: Some(Usage::new(1, 2)),
        cost_usd: None,
        attempts: vec![Attempt { number: 1, duration_ms: None, error: some(), status: Some(500), extra: object() }],
        time_to_first_token_ms: Some(1.0),
        cached: Some(false),
    })
}

fn tags() -> std::collections::BTreeMap<String, String> {
    [(planted(), planted()), ("api_key".into(), "hunter2".into())].into()
}

fn trace_bodies() -> Vec<Body> {
    vec![
        Body::TraceStart(TraceStart {
            schema_version: 1,
            otel_trace_id: some(),
            root_span_id: planted(),
            parent_trace_id: some(),
            parent_span_id: some(),
            user_id: some(),
            tags: tags(),
            project_id: planted(),
            project_name: planted(),
            query: some(),
            intent: some(),
            domain: some(),
            report_type: some(),
            research_type: some(),
            fields: object(),
            live: some(),
            trace_version: planted(),
            generator: planted(),
            max_items: None,
            extra: object(),
        }),
        Body::TraceUpdate(TraceUpdate {
            span_id: some(),
            attributes: object(),
            user_id: some(),
            tags: tags(),
            query: some(),
            intent: some(),
            domain: some(),
            report_type: some(),
            research_type: some(),
            fields: object(),
            metadata: None,
            extra: object(),
        }),
        Body::TraceEnd(TraceEnd {
            status: Status::Failed,
            error: Some(error()),
            metadata: TraceAccount::default(),
            recovered: false,
            extra: object(),
        }),
        Body::ChildStart(ChildStart {
            child: ChildTrace { trace_id: planted(), output_type: some(), path: some(), extra: object() },
            extra: object(),
        }),
        Body::FlagRaised(FlagRaised {
            flag: CalibrationFlag {
                kind: planted(),
                message: planted(),
                n: 1,
                effect: None,
                interval: None,
                thin: false,
                extra: object(),
            },
            extra: object(),
        }),
        Body::Warning(Noted { message: planted(), extra: object() }),
        Body::Unknown(Unknown { event: planted(), fields: object() }),
        Body::OutputSet(OutputSet { span_id: some(), outputs: object(), extra: object() }),
    ]
}

fn span_bodies() -> Vec<Body> {
    vec![
        Body::StageStart(StageStart {
            id: planted(),
            parent_id: some(),
            name: planted(),
            component: some(),
            inputs: value(),
            location: some(),
            extra: object(),
        }),
        Body::StageEnd(StageEnd {
            id: planted(),
            outcome: Some(Outcome::Err),
            outputs: json!(planted()),
            error: Some(error()),
            attributes: object(),
            extra: object(),
        }),
        Body::ObservationStart(ObservationStart {
            id: planted(),
            parent_id: some(),
            name: planted(),
            kind: Kind::Other(planted()),
            input: json!([planted()]),
            llm: Some(llm()),
            location: some(),
            extra: object(),
        }),
        Body::ObservationEnd(ObservationEnd {
            id: planted(),
            outcome: None,
            name: some(),
            input: json!([planted()]),
            output: value(),
            error: Some(error()),
            attributes: object(),
            llm: Some(llm()),
            extra: object(),
        }),
        Body::LlmInteraction(LlmInteraction {
            id: some(),
            span_id: some(),
            llm: llm(),
            side_file: some(),
            extra: object(),
        }),
    ]
}

fn judgement_bodies() -> Vec<Body> {
    vec![
        Body::DecisionMade(DecisionMade {
            id: planted(),
            span_id: some(),
            decision: planted(),
            what: planted(),
            why: planted(),
            confidence: Some(0.5),
            alternatives_considered: vec![Alternative { option: planted(), confidence: None }],
            inputs: object(),
            location: some(),
            extra: object(),
        }),
        Body::EvidenceFound(EvidenceFound {
            span_id: some(),
            evidence: Evidence {
                collected: Some(1),
                passed: None,
                filtered: None,
                retrieved: None,
                used: None,
                by_source: [(planted(), 1)].into(),
                items: vec![EvidenceItem {
                    id: planted(),
                    source: some(),
                    score: None,
                    kept: true,
                    reason: some(),
                    extra: object(),
                }],
                extra: object(),
            },
            extra: object(),
        }),
        Body::ScoreGiven(ScoreGiven {
            span_id: some(),
            scores: vec![Score { id: planted(), name: some(), score: 1.0, feedback: some(), extra: object() }],
            gate: Some(Gate {
                overall_score: None,
                passing: None,
                threshold: 2.0,
                gaps: vec![planted()],
                strengths: vec![planted()],
            }),
            extra: object(),
        }),
        Body::IterationDone(IterationDone {
            iteration: Iteration {
                index: 1,
                started_at: None,
                duration_seconds: None,
                overall_score: None,
                passed: None,
                gaps: vec![planted()],
                extra: object(),
            },
            extra: object(),
        }),
    ]
}

fn fact_bodies() -> Vec<Body> {
    vec![
        Body::PromptExecuted(PromptExecution {
            id: planted(),
            span_id: some(),
            llm: llm(),
            success: false,
            response_time_ms: 1.0,
            input_tokens: Some(1),
            output_tokens: None,
            error: some(),
            metadata: value(),
            arm: object(),
            extra: object(),
        }),
        Body::TemplateRender(TemplateRender {
            id: planted(),
            span_id: some(),
            template: planted(),
            variables: value(),
            source: some(),
            output: some(),
            indentation: vec![4],
            error: Some(error()),
            extra: object(),
        }),
        Body::ValidationError(ValidationError {
            id: planted(),
            span_id: some(),
            validation_type: some(),
            error_type: planted(),
            error_message: planted(),
            file: some(),
            line_number: Some(1),
            column: None,
            code_context: some(),
            healing_attempts: vec![HealingAttempt {
                attempt: 1,
                strategy: some(),
                success: false,
                error: some(),
                extra: object(),
            }],
            final_status: some(),
            healing_ended: some(),
            healing_reason: some(),
            side_file: some(),
            extra: object(),
        }),
        Body::FileWrite(FileWrite {
            id: planted(),
            span_id: some(),
            path: planted(),
            content: some(),
            bytes: None,
            checks_before: object(),
            checks_after: object(),
            permissions: some(),
            owner: some(),
            error: Some(error()),
            extra: object(),
        }),
        Body::CacheAccess(CacheAccess { span_id: some(), cache: planted(), key: some(), hit: true, extra: object() }),
        Body::MemoryUse(MemoryUse { span_id: some(), bytes: 1, label: some(), extra: object() }),
        Body::ErrorRaised(ErrorRaised { span_id: some(), error: error(), extra: object() }),
    ]
}

fn all() -> Vec<Body> {
    [trace_bodies(), span_bodies(), judgement_bodies(), fact_bodies()].concat()
}

fn line(body: Body) -> String {
    let mut line = Vec::new();
    let event = Event {
        seq: 0,
        ts: "2026-02-13T14:30:22Z".parse().unwrap(),
        session_id: "s".into(),
        trace_id: "t".into(),
        stage: None,
        component: None,
        duration_ms: None,
        body,
    };
    event.write_line(&mut line);
    String::from_utf8(line).unwrap()
}

#[test]
fn every_kind_of_event_is_planted() {
    let planted: Vec<String> = all().iter().map(|body| body.name().to_owned()).collect();
    for name in Body::NAMES {
        assert!(planted.iter().any(|planted| planted == name), "{name}");
    }
}

#[test]
fn no_secret_comes_through_in_any_field_of_any_event() {
    for redactor in [Redactor::default(), with(|config| config.content = false)] {
        for mut body in all() {
            redactor.body(&mut body);
            let written = line(body.clone());
            for secret in [SECRET, &SECRET[4..20], "hunter2"] {
                assert!(!written.contains(secret), "{secret} in {written}");
                assert!(!format!("{body:?}").contains(secret), "{secret} in {body:?}");
            }
            let once = body.clone();
            redactor.body(&mut body);
            assert_eq!(body, once, "redacting twice is redacting once");
        }
    }
}

#[test]
fn without_secrets_events_come_through_unchanged() {
    for body in all() {
        let clean: Value = serde_json::from_str(
            &line(body)
                .replace(SECRET, "nothing")
                .replace("hunter2", "")
                .replace("password", "passing")
                .replace("api_key", "key"),
        )
        .unwrap();
        let event = Event::from_line(&clean.to_string()).unwrap();
        let mut body = event.body.clone();
        Redactor::default().body(&mut body);
        assert_eq!(body, event.body);
    }
}

#[test]
fn the_folder_of_a_project_follows_its_redacted_name() {
    let mut body = Body::TraceStart(TraceStart {
        project_id: "see-hf_0123".into(),
        project_name: planted(),
        ..TraceStart::default()
    });
    Redactor::default().body(&mut body);
    let Body::TraceStart(start) = body else { panic!() };
    assert_eq!(start.project_name, "see [redacted] here");
    assert_eq!(start.project_id, crate::names::project_folder("see [redacted] here"));
}
