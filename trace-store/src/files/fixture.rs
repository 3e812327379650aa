//! The trace that the tests of this folder look at: the one behind the scorecard of the guide.

use trace_core::model::{
    Alternative, Attempt, Decision, Evidence, Iteration, Kind, LlmCall, Observation, Outcome, PromptLink, Score, Stage,
    Status, Trace, Usage,
};

pub(crate) const ID: &str = "trc_20260213_143022_a1b2c3d4";

fn stage(index: u32, seconds: f64, decisions: usize) -> Stage {
    Stage {
        id: format!("{index:016x}"),
        index,
        duration_seconds: Some(seconds),
        outcome: Some(Outcome::Ok),
        decisions: (0..decisions).map(|n| decision(index, n)).collect(),
        ..Stage::default()
    }
}

fn decision(stage: u32, n: usize) -> Decision {
    Decision {
        decision: "source_selected".into(),
        what: format!("option {stage}.{n}"),
        why: "it fits best".into(),
        confidence: Some(0.9 - f64::from(stage) / 10.0),
        alternatives_considered: vec![
            Alternative { option: "google".into(), confidence: Some(0.6) },
            Alternative { option: "reddit".into(), confidence: None },
        ],
        ..Decision::default()
    }
}

/// A complete run with a gate that passed at the second try.
pub(crate) fn complete() -> Trace {
    let mut trace = Trace {
        trace_id: ID.into(),
        session_id: ID.into(),
        project_id: "cobot".into(),
        project_name: "cobot".into(),
        ..Trace::default()
    };
    trace.run.query = Some("What is the competitive landscape for collaborative robots?".into());
    trace.run.intent = Some("validating".into());
    trace.run.domain = Some("robotics".into());
    trace.run.status = Status::Complete;
    trace.run.started_at = Some("2026-02-13T14:30:22Z".parse().unwrap());
    trace.run.duration_seconds = Some(83.0);

    let mut collection = stage(2, 45.8, 2);
    collection.evidence =
        Some(Evidence::new().collected(28).passed(18).filtered(10).source("exa", 20).source("reddit", 8));
    let mut synthesis = stage(3, 180.5, 1);
    let call = LlmCall::new()
        .model("gpt-4o")
        .prompt(PromptLink { prompt_name: Some("report".into()), prompt_version: Some(2), ..PromptLink::default() })
        .usage(Usage::new(4_200, 800))
        .cost("0.32".parse().unwrap())
        .attempt(Attempt::failed(1, 20.0, "429"))
        .attempt(Attempt::ok(2, 1_500.0));
    synthesis.token_usage = Some(call.usage.unwrap().inclusive());
    synthesis.cost_usd = call.cost_usd;
    synthesis.observations.push(Observation {
        name: "write_report".into(),
        kind: Kind::Llm,
        duration_ms: Some(1_520.0),
        outcome: Some(Outcome::Ok),
        llm: Some(Box::new(call)),
        ..Observation::default()
    });
    let mut gate = stage(4, 30.2, 1);
    gate.principle_scores =
        vec![Score::new("META-1", 3.0), Score::new("META-12", 1.0).feedback("two claims without a source")];
    gate.overall_score = Some(2.4);
    gate.passing = Some(true);
    gate.threshold = Some(2.0);
    gate.gaps = vec!["META-12".into()];
    gate.strengths = vec!["META-1".into()];
    trace.stages = [
        ("intake".into(), stage(0, 5.2, 2)),
        ("rubric".into(), stage(1, 0.3, 2)),
        ("collection".into(), collection),
        ("synthesis".into(), synthesis),
        ("quality_gate".into(), gate),
    ]
    .into_iter()
    .collect();
    trace
}

/// The same with everything that can go wrong.
pub(crate) fn troubled() -> Trace {
    let mut trace = complete();
    trace.run.status = Status::Failed;
    trace.run.error = Some(trace_core::model::ErrorInfo {
        kind: Some("reqwest::Error".into()),
        message: "connection refused".into(),
        chain: vec!["os error 111".into()],
        ..Default::default()
    });
    let iteration = |index, score, passed| Iteration {
        index,
        overall_score: Some(score),
        passed: Some(passed),
        duration_seconds: Some(12.0),
        ..Iteration::default()
    };
    trace.iterations = vec![iteration(1, 1.6, false), iteration(2, 2.4, true)];
    trace.iteration_count = 2;
    trace.quality_gate_failures = 1;
    trace.metadata.dropped_events = 12;
    trace.metadata.stream_only = 3;
    trace.warnings.push(trace_core::model::Warning {
        message: "no price is known for the model `own-1`".into(),
        ..Default::default()
    });
    trace.stages["collection"].outcome = Some(Outcome::Err);
    trace.stages["collection"].error = trace.run.error.clone();
    trace
}

/// A text that tries everything at once.
pub(crate) const HOSTILE: &str =
    "x\x1b[2J\x1b]0;owned\x07 | <script>alert(1)</script>\n# head\n---\n```\n[a](javascript:x) \u{202e}gnp\u{9b}1m\0";

/// Hostile in every text that is shown.
pub(crate) fn hostile() -> Trace {
    let mut trace = troubled();
    let text = || HOSTILE.to_owned();
    trace.project_name = text();
    trace.run.query = Some(text());
    trace.run.intent = Some(text());
    trace.run.domain = Some(text());
    if let Some(error) = &mut trace.run.error {
        error.kind = Some(text());
        error.message = text();
        error.chain = vec![text()];
    }
    trace.warnings[0].message = text();
    let mut stage = trace.stages["synthesis"].clone();
    stage.decisions[0].decision = text();
    stage.decisions[0].what = text();
    stage.decisions[0].why = text();
    stage.decisions[0].alternatives_considered[0].option = text();
    stage.observations[0].name = text();
    if let Some(llm) = &mut stage.observations[0].llm {
        llm.model = Some(text());
        llm.prompt_name = Some(text());
    }
    trace.stages.insert(text(), stage);
    if let Some(evidence) = &mut trace.stages["collection"].evidence {
        evidence.by_source.insert(text(), 1);
    }
    let gate = &mut trace.stages["quality_gate"];
    gate.gaps = vec![text()];
    gate.strengths = vec![text()];
    gate.principle_scores.push(Score::new(text(), 1.0).name(text()).feedback(text()));
    trace.calibration_flags.push(trace_core::model::CalibrationFlag { message: text(), ..Default::default() });
    trace
}
