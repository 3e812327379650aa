//! Traces to store.

use std::sync::Arc;
use trace_core::model::{
    Alternative, CalibrationFlag, Decision, ErrorInfo, Evidence, Iteration, Kind, LlmCall, Observation, Outcome,
    PromptLink, Score, Stage, Status, Trace, Usage, Warning,
};
use trace_core::sink::FinishedTrace;

pub(crate) fn finished(trace: Trace) -> FinishedTrace {
    FinishedTrace { trace: Arc::new(trace), project_dir: None, sampled: true, again: false }
}

/// The trace of number `n`: enough for a row.
pub(crate) fn small(n: u32) -> Trace {
    let mut trace =
        Trace { trace_id: id(n), project_id: "cobot".into(), project_name: "Cobot".into(), ..Trace::default() };
    trace.run.status = Status::Complete;
    trace.stages.insert("intake".into(), stage(0, 1.0));
    trace
}

pub(crate) fn id(n: u32) -> String {
    format!("trc_20260213_143022_{n:016x}")
}

pub(crate) fn stage(index: u32, seconds: f64) -> Stage {
    Stage {
        id: format!("{:016x}", index + 1),
        index,
        started_at: Some("2026-02-13T14:30:22.5Z".parse().unwrap()),
        completed_at: Some("2026-02-13T14:30:23.5Z".parse().unwrap()),
        duration_seconds: Some(seconds),
        outcome: Some(Outcome::Ok),
        ..Stage::default()
    }
}

pub(crate) fn decision(id: &str, what: &str) -> Decision {
    Decision {
        id: id.into(),
        decision: "source_selected".into(),
        what: what.into(),
        why: "it fits best".into(),
        confidence: Some(0.9),
        alternatives_considered: vec![Alternative { option: "google".into(), confidence: Some(0.6) }],
        timestamp: Some("2026-02-13T14:30:23Z".parse().unwrap()),
        ..Decision::default()
    }
}

pub(crate) fn call(id: &str, cost: &str) -> Observation {
    let mut usage = Usage::new(1_000, 200);
    usage.cached_input_tokens = 50;
    usage.cache_write_tokens = 5;
    usage.reasoning_tokens = 30;
    let prompt = PromptLink { prompt_name: Some("report".into()), prompt_version: Some(2), ..PromptLink::default() };
    let llm = LlmCall::new().model("gpt-4o").provider("openai").prompt(prompt).usage(usage).cost(cost.parse().unwrap());
    Observation {
        id: id.into(),
        name: "write_report".into(),
        kind: Kind::Llm,
        started_at: Some("2026-02-13T14:30:22.75Z".parse().unwrap()),
        duration_ms: Some(1_520.0),
        outcome: Some(Outcome::Ok),
        llm: Some(Box::new(llm)),
        ..Observation::default()
    }
}

/// A run with a retry: everything that a column is made of.
pub(crate) fn full(n: u32) -> Trace {
    let mut trace = small(n);
    trace.session_id = "session-1".into();
    trace.otel_trace_id = Some("0af7651916cd43dd8448eb211c80319c".into());
    trace.tags.insert("team".into(), "search".into());
    trace.run.query = Some("What is the competitive landscape?".into());
    trace.run.intent = Some("validating".into());
    trace.run.domain = Some("robotics".into());
    trace.run.started_at = Some("2026-02-13T14:30:22.123456789Z".parse().unwrap());
    trace.run.completed_at = Some("2026-02-13T14:31:45Z".parse().unwrap());
    trace.run.duration_seconds = Some(83.0);
    trace.run.fields.insert("retrieval_method".into(), "bm25".into());
    trace.run.fields.insert("tier_config".into(), serde_json::json!({"tier": 2}));
    trace.outputs.insert("report_file_path".into(), "out/report.md".into());
    trace.outputs.insert("output_file_paths".into(), serde_json::json!(["out/report.md", "out/\"data\".json"]));
    trace.iterations = vec![Iteration::default(), Iteration::default()];
    trace.iteration_count = 2;
    trace.quality_gate_failures = 1;
    trace.warnings.push(Warning { message: "one".into(), ..Warning::default() });

    let mut collection = stage(1, 45.8);
    collection.evidence = Some(Evidence::new().collected(28).passed(18).filtered(10).retrieved(9).used(4));
    collection.decisions = vec![decision("d1", "exa"), decision("d2", "reddit")];
    let mut embedding = call("e1", "0.000000000007");
    embedding.kind = Kind::Embedding;
    embedding.llm.as_mut().unwrap().set_unprompted();
    collection.observations.push(embedding);
    trace.stages.insert("collection".into(), collection);
    for (index, name, cost) in [(2, "synthesis", "0.1"), (4, "synthesis#2", "0.2")] {
        let mut synthesis = stage(index, 30.25);
        synthesis.observations.push(call(&format!("c{index}"), cost));
        trace.stages.insert(name.into(), synthesis);
    }
    for (index, name, score, passing) in [(3, "quality_gate", 1.8, false), (5, "quality_gate#2", 2.4, true)] {
        let mut gate = stage(index, 2.0);
        gate.principle_scores = vec![Score::new("META-1", 3.0), Score::new("META-12", score - 1.4)];
        gate.overall_score = Some(score);
        gate.passing = Some(passing);
        gate.gaps = vec!["META-12".into()];
        gate.strengths = vec!["META-1".into()];
        trace.stages.insert(name.into(), gate);
    }
    trace.calibration_flags.push(CalibrationFlag {
        kind: "repeated_principle_failure".into(),
        message: "META-12 has scored below threshold 5 times in the last 7 days".into(),
        n: 5,
        ..CalibrationFlag::default()
    });
    trace
}

/// What no pipeline should say, and some will.
pub(crate) fn hostile(n: u32) -> Trace {
    let mut trace = full(n);
    let nasty = "'; DROP TABLE traces; -- \" \\ \\u0000 \0 \u{1} 🤖 {} [] $1 ?";
    trace.session_id = "s".repeat(10_000);
    trace.user_id = Some(nasty.into());
    trace.tags.insert(nasty.into(), nasty.into());
    trace.run.query = Some("x".repeat(10 << 20));
    trace.run.intent = Some("i".repeat(5_000));
    trace.run.duration_seconds = Some(f64::NAN);
    trace.run.started_at = Some("-009998-01-02T00:00:00Z".parse().unwrap());
    trace.run.status = Status::Failed;
    trace.run.error = Some(ErrorInfo { kind: Some(nasty.into()), message: nasty.into(), ..ErrorInfo::default() });
    trace.run.fields.insert("rubric_scores".into(), serde_json::json!({ nasty: [nasty] }));
    trace.outputs.insert("output_file_paths".into(), serde_json::json!([nasty, "", "NULL", "{}"]));
    let collection = trace.stages.get_mut("collection").unwrap();
    collection.duration_seconds = Some(f64::INFINITY);
    collection.evidence = Some(Evidence::new().collected(u64::MAX).passed(u64::MAX));
    collection.gaps = vec![nasty.into(), "NULL".into(), String::new(), "a,b}".into()];
    // Foreign documents lack ids, or double them.
    collection.decisions = vec![decision("", nasty), decision("", nasty), decision("d", "a"), decision("d", "b")];
    collection.inputs = serde_json::json!({ nasty: nasty });
    trace.stages.get_mut("quality_gate#2").unwrap().principle_scores = vec![Score::new(nasty, f64::NAN)];
    trace
}

/// Makes a call unlinked.
trait Unprompted {
    fn set_unprompted(&mut self);
}

impl Unprompted for LlmCall {
    fn set_unprompted(&mut self) {
        self.prompt_name = None;
        self.prompt_version = None;
    }
}
