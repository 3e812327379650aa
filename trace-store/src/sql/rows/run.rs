//! The row of the run itself.

use super::About;
use super::clean::Cleaner;
use super::figures::{Spent, evidence, gate, stages_called, sum};
use super::tables::TraceRow;
use crate::sql::value::Json;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use trace_core::model::{ErrorInfo, Kind, Money, Outcome, Stage, Status, Trace};

pub(super) fn row(about: &About<'_>, clean: &mut Cleaner, document: Option<PathBuf>) -> TraceRow {
    let About { trace, now, .. } = *about;
    let run = &trace.run;
    let gate = gate(trace);
    let synthesis = Synthesis::of(trace);
    let total = Spent::total(trace);
    let retrieval = Spent::retrieval(trace);
    let error = error(trace);
    let session = if trace.session_id.is_empty() { &trace.trace_id } else { &trace.session_id };
    let mut duration = |name| clean.number(sum(stages_called(trace, name).map(|stage| stage.duration_seconds)));
    let [intake, rubric, collection, synthesis_duration, quality_gate] =
        ["intake", "rubric", "collection", "synthesis", "quality_gate"].map(&mut duration);
    TraceRow {
        trace_id: about.trace_id.to_string(),
        project_id: clean.name(&trace.project_id).into(),
        query: clean.text_of(run.query.as_ref()).map(Cow::into_owned),
        intent: clean.name_of(run.intent.as_ref()).map(Cow::into_owned),
        domain: clean.name_of(run.domain.as_ref()).map(Cow::into_owned),
        report_type: clean.name_of(run.report_type.as_ref()).map(Cow::into_owned),
        research_type: clean.name_of(run.research_type.as_ref()).map(Cow::into_owned),
        status: run.status.as_str().to_owned(),
        quality_gate_passed: gate.and_then(|gate| gate.passing),
        overall_quality_score: clean.number(gate.and_then(|gate| gate.overall_score)),
        started_at: clean.moment(run.started_at),
        completed_at: clean.moment(run.completed_at),
        duration_seconds: clean.number(run.duration_seconds),
        intake_duration: intake,
        rubric_duration: rubric,
        collection_duration: collection,
        synthesis_duration,
        quality_gate_duration: quality_gate,
        evidence_collected: evidence(trace, |e| e.collected).map(|n| clean.count(n)),
        evidence_passed: evidence(trace, |e| e.passed).map(|n| clean.count(n)),
        evidence_filtered: evidence(trace, |e| e.filtered).map(|n| clean.count(n)),
        synthesis_model: synthesis.model.map(|model| clean.name(&model).into()),
        synthesis_input_tokens: synthesis.spent.tokens.map(|tokens| clean.count(tokens.input_tokens)),
        synthesis_output_tokens: synthesis.spent.tokens.map(|tokens| clean.count(tokens.output_tokens)),
        synthesis_cost_usd: synthesis.spent.cost,
        principle_scores: principle_scores(gate, clean),
        gap_principles: clean.names(gate.map_or(&[], |gate| &gate.gaps)),
        strength_principles: clean.names(gate.map_or(&[], |gate| &gate.strengths)),
        iteration_count: clean.count(u64::from(trace.iteration_count).max(trace.iterations.len() as u64)),
        quality_gate_failures: i64::from(trace.quality_gate_failures),
        trace_file_path: document.map(|path| clean.text(&path.to_string_lossy()).into()),
        report_file_path: trace
            .outputs
            .get("report_file_path")
            .and_then(Value::as_str)
            .map(|path| clean.text(path).into()),
        output_file_paths: output_file_paths(trace, clean),
        flagged_for_review: trace.calibration_flags.iter().any(|flag| !flag.thin),
        review_notes: None,
        tier_config: field(trace, "tier_config", clean),
        rubric_scores: field(trace, "rubric_scores", clean),
        principle_breakdown: field(trace, "principle_breakdown", clean),
        qg_iteration_count: whole_field(trace, "qg_iteration_count").or_else(|| verdicts(trace)),
        retrieval_method: retrieval_method(trace, clean),
        evidence_retrieved: evidence(trace, |e| e.retrieved).map(|n| clean.count(n)),
        evidence_used: evidence(trace, |e| e.used).map(|n| clean.count(n)),
        retrieval_tokens: whole_field(trace, "retrieval_tokens")
            .or_else(|| retrieval.tokens.map(|tokens| clean.count(tokens.total_tokens))),
        retrieval_cost_usd: money_field(trace, "retrieval_cost_usd").or(retrieval.cost),
        created_at: now,
        updated_at: now,
        session_id: clean.name(session).into(),
        user_id: clean.name_of(trace.user_id.as_ref()).map(Cow::into_owned),
        tags: clean.json(&trace.tags),
        otel_trace_id: clean.name_of(trace.otel_trace_id.as_ref()).map(Cow::into_owned),
        parent_trace_id: clean.name_of(trace.parent_trace_id.as_ref()).map(Cow::into_owned),
        total_cost_usd: total.cost,
        total_input_tokens: total.tokens.map(|tokens| clean.count(tokens.input_tokens)),
        total_output_tokens: total.tokens.map(|tokens| clean.count(tokens.output_tokens)),
        llm_calls: clean.count(trace.stages.values().map(llm_calls).sum()),
        decision_count: clean.count(trace.stages.values().map(|stage| stage.decisions.len() as u64).sum()),
        error_type: error.and_then(|error| clean.name_of(error.kind.as_ref())).map(Cow::into_owned),
        error_message: error.map(|error| clean.text(&error.message).into()),
        sampled: true,
        dropped_events: clean.count(trace.metadata.dropped_events),
        late_events: clean.count(trace.metadata.late_events),
        warning_count: 0,
        write_order: None,
    }
}

/// What the stages `synthesis`, `synthesis#2`, … spent, and on which models.
struct Synthesis {
    model: Option<String>,
    spent: Spent,
}

impl Synthesis {
    fn of(trace: &Trace) -> Self {
        let mut models: Vec<&str> = Vec::new();
        let mut spent = Spent::default();
        for stage in stages_called(trace, "synthesis") {
            spent.add_stage(stage);
            let of_stage = stage.model.as_deref().map(|models| models.split(", ")).into_iter().flatten();
            let of_calls = stage.observations.iter().filter_map(|call| call.llm.as_ref()?.model.as_deref());
            for model in of_stage.chain(of_calls) {
                if !models.contains(&model) {
                    models.push(model);
                }
            }
        }
        Self { model: (!models.is_empty()).then(|| models.join(", ")), spent }
    }
}

fn llm_calls(stage: &Stage) -> u64 {
    stage.observations.iter().filter(|call| call.kind == Kind::Llm).count() as u64
}

/// How many stages judged the quality.
fn verdicts(trace: &Trace) -> Option<i64> {
    let count = trace.stages.values().filter(|stage| stage.passing.is_some()).count();
    i64::try_from(count).ok().filter(|count| *count > 0)
}

/// What made the run fail: its own error, else that of the first stage that failed. A run that completed has none, whatever it overcame.
fn error(trace: &Trace) -> Option<&ErrorInfo> {
    let failed = |stage: &&Stage| matches!(stage.outcome, Some(Outcome::Err | Outcome::Panicked));
    let of_stage = || trace.stages.values().filter(failed).find_map(|stage| stage.error.as_ref());
    trace.run.error.as_ref().or_else(|| if trace.run.status == Status::Complete { None } else { of_stage() })
}

fn principle_scores(gate: Option<&Stage>, clean: &mut Cleaner) -> Json {
    let scores = gate.map_or(&[][..], |gate| &gate.principle_scores);
    let by_id: BTreeMap<Cow<'_, str>, Option<f64>> =
        scores.iter().map(|score| (clean.name(&score.id), clean.number(score.score))).collect();
    clean.json(&by_id)
}

/// What the pipeline listed as `output_file_paths`, else the files whose writing was observed.
fn output_file_paths(trace: &Trace, clean: &mut Cleaner) -> Vec<String> {
    let listed = trace.outputs.get("output_file_paths").and_then(Value::as_array);
    let listed = listed.map(|list| list.iter().filter_map(Value::as_str).collect());
    let observed = || {
        let all = trace.stages.values().flat_map(|stage| &stage.observations);
        let written = all.filter(|call| call.kind == Kind::FileWrite && call.outcome == Some(Outcome::Ok));
        written.filter_map(|call| call.input.get("path").and_then(Value::as_str)).collect()
    };
    let paths: Vec<&str> = listed.unwrap_or_else(observed);
    paths.into_iter().map(|path| clean.text(path).into()).collect()
}

fn field(trace: &Trace, name: &str, clean: &mut Cleaner) -> Option<Json> {
    trace.run.fields.get(name).and_then(|value| clean.json_of(value))
}

fn whole_field(trace: &Trace, name: &str) -> Option<i64> {
    trace.run.fields.get(name).and_then(Value::as_i64)
}

/// An amount that the pipeline set, through its text: the number never becomes a sum of floats.
fn money_field(trace: &Trace, name: &str) -> Option<Money> {
    match trace.run.fields.get(name)? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn retrieval_method(trace: &Trace, clean: &mut Cleaner) -> Option<String> {
    match trace.run.fields.get("retrieval_method")? {
        Value::Null => None,
        Value::String(text) => Some(clean.text(text).into()),
        other => Some(clean.json(other).0),
    }
}
