//! The rows below a run: stages, decisions, observations, scores, flags.

use super::clean::Cleaner;
use super::figures::base_name;
use super::tables::{DecisionRow, FlagRow, ObservationRow, ScoreRow, StageRow};
use super::{About, ChildRows};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;
use trace_core::model::{
    CalibrationFlag, Decision, ErrorInfo, Evidence, LlmCall, Object, Observation, Outcome, Stage, Timestamp,
};

/// Makes keys unique within a trace: ids of foreign documents can be missing or doubled.
#[derive(Default)]
pub(super) struct Ids<'a>(HashSet<Cow<'a, str>>);

impl<'a> Ids<'a> {
    pub(super) fn unique(&mut self, id: &Cow<'a, str>) -> Cow<'a, str> {
        let mut candidate = id.clone();
        let mut number = 1;
        while candidate.is_empty() || !self.0.insert(candidate.clone()) {
            number += 1;
            candidate = Cow::Owned(format!("{id}#{number}"));
        }
        candidate
    }
}

/// The stages with everything in them.
pub(super) fn of<'a>(about: &About<'a>, clean: &mut Cleaner) -> ChildRows<'a> {
    let all = || about.trace.stages.values();
    // Rows are large, and moving them to a larger place takes as long as making them.
    let mut rows = ChildRows {
        stages: Vec::with_capacity(about.trace.stages.len()),
        decisions: Vec::with_capacity(all().map(|stage| stage.decisions.len()).sum()),
        observations: Vec::with_capacity(all().map(|stage| stage.observations.len()).sum()),
        scores: Vec::with_capacity(all().map(|stage| stage.principle_scores.len()).sum()),
    };
    let (mut stages, mut decisions, mut observations) = (Ids::default(), Ids::default(), Ids::default());
    for (name, stage) in &about.trace.stages {
        let id = stages.unique(&clean.name(&stage.id));
        let place = Place { trace_id: about.trace_id.clone(), stage_id: id, stage: clean.name(name) };
        rows.stages.push(stage_row(&place, clean, rows.stages.len(), name, stage));
        for decision in &stage.decisions {
            let id = decisions.unique(&clean.name(&decision.id));
            rows.decisions.push(decision_row(&place, clean, id, rows.decisions.len(), decision));
        }
        for call in &stage.observations {
            let id = observations.unique(&clean.name(&call.id));
            rows.observations.push(observation_row(&place, clean, id, rows.observations.len(), call));
        }
        rows.scores.extend(scores(about.now, &place, clean, stage));
    }
    rows
}

/// The stage that a row belongs to.
struct Place<'a> {
    trace_id: Cow<'a, str>,
    stage_id: Cow<'a, str>,
    stage: Cow<'a, str>,
}

fn position(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn outcome<'a>(outcome: Option<Outcome>) -> Option<Cow<'a, str>> {
    outcome.map(|outcome| outcome.as_str().into())
}

fn error<'a>(error: Option<&'a ErrorInfo>, clean: &mut Cleaner) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
    (error.and_then(|error| clean.name_of(error.kind.as_ref())), error.map(|error| clean.text(&error.message)))
}

fn attributes(attributes: &Object, clean: &mut Cleaner) -> Option<super::super::value::Json> {
    (!attributes.is_empty()).then(|| clean.json(attributes))
}

fn stage_row<'a>(
    place: &Place<'a>,
    clean: &mut Cleaner,
    index: usize,
    name: &'a str,
    stage: &'a Stage,
) -> StageRow<'a> {
    let (error_type, error_message) = error(stage.error.as_ref(), clean);
    let none = Evidence::default();
    let evidence = stage.evidence.as_ref().unwrap_or(&none);
    StageRow {
        trace_id: place.trace_id.clone(),
        id: place.stage_id.clone(),
        position: position(index),
        name: place.stage.clone(),
        base_name: clean.name(base_name(name)),
        parent_id: clean.name_of(stage.parent_id.as_ref()),
        component: clean.name_of(stage.component.as_ref()),
        started_at: clean.moment(stage.started_at),
        completed_at: clean.moment(stage.completed_at),
        duration_seconds: clean.number(stage.duration_seconds),
        outcome: outcome(stage.outcome),
        error_type,
        error_message,
        evidence_collected: evidence.collected.map(|n| clean.count(n)),
        evidence_passed: evidence.passed.map(|n| clean.count(n)),
        evidence_filtered: evidence.filtered.map(|n| clean.count(n)),
        evidence_retrieved: evidence.retrieved.map(|n| clean.count(n)),
        evidence_used: evidence.used.map(|n| clean.count(n)),
        model: clean.name_of(stage.model.as_ref()),
        input_tokens: stage.token_usage.map(|tokens| clean.count(tokens.input_tokens)),
        output_tokens: stage.token_usage.map(|tokens| clean.count(tokens.output_tokens)),
        total_tokens: stage.token_usage.map(|tokens| clean.count(tokens.total_tokens)),
        cost_usd: stage.cost_usd,
        overall_score: clean.number(stage.overall_score),
        passing: stage.passing,
        threshold: clean.number(stage.threshold),
        gaps: clean.names(&stage.gaps),
        strengths: clean.names(&stage.strengths),
        inputs: clean.json_of(&stage.inputs),
        outputs: clean.json_of(&stage.outputs),
        attributes: attributes(&stage.attributes, clean),
    }
}

fn decision_row<'a>(
    place: &Place<'a>,
    clean: &mut Cleaner,
    id: Cow<'a, str>,
    index: usize,
    decision: &'a Decision,
) -> DecisionRow<'a> {
    DecisionRow {
        trace_id: place.trace_id.clone(),
        id,
        position: position(index),
        stage_id: place.stage_id.clone(),
        stage: place.stage.clone(),
        observation_id: clean.name_of(decision.observation_id.as_ref()),
        decision: clean.name(&decision.decision),
        what: clean.text(&decision.what),
        why: clean.text(&decision.why),
        confidence: clean.number(decision.confidence),
        alternatives_considered: clean.json(&decision.alternatives_considered),
        inputs: clean.json(&decision.inputs),
        timestamp: clean.moment(decision.timestamp),
        component: clean.name_of(decision.component.as_ref()),
        location: clean.text_of(decision.location.as_ref()),
    }
}

fn observation_row<'a>(
    place: &Place<'a>,
    clean: &mut Cleaner,
    id: Cow<'a, str>,
    index: usize,
    call: &'a Observation,
) -> ObservationRow<'a> {
    static NONE: LazyLock<LlmCall> = LazyLock::new(LlmCall::default);
    let (error_type, error_message) = error(call.error.as_ref(), clean);
    let llm = call.llm.as_deref().unwrap_or(&NONE);
    let inclusive = llm.usage.map(|usage| usage.inclusive());
    ObservationRow {
        trace_id: place.trace_id.clone(),
        id,
        position: position(index),
        stage_id: place.stage_id.clone(),
        stage: place.stage.clone(),
        parent_id: clean.name_of(call.parent_id.as_ref()),
        name: clean.name(&call.name),
        kind: clean.name(call.kind.as_str()),
        component: clean.name_of(call.component.as_ref()),
        started_at: clean.moment(call.started_at),
        duration_ms: clean.number(call.duration_ms),
        outcome: outcome(call.outcome),
        error_type,
        error_message,
        prompt_name: clean.name_of(llm.prompt_name.as_ref()),
        prompt_version: llm.prompt_version.map(i64::from),
        prompt_registry_name: clean.name_of(llm.prompt_registry_name.as_ref()),
        prompt_uri: clean.text_of(llm.prompt_uri.as_ref()),
        template_hash: clean.name_of(llm.template_hash.as_ref()),
        model: clean.name_of(llm.model.as_ref()),
        provider: clean.name_of(llm.provider.as_ref()),
        input_tokens: inclusive.map(|tokens| clean.count(tokens.input_tokens)),
        cached_input_tokens: llm.usage.map(|usage| clean.count(usage.cached_input_tokens)),
        cache_write_tokens: llm.usage.map(|usage| clean.count(usage.cache_write_tokens)),
        output_tokens: inclusive.map(|tokens| clean.count(tokens.output_tokens)),
        reasoning_tokens: llm.usage.map(|usage| clean.count(usage.reasoning_tokens)),
        total_tokens: inclusive.map(|tokens| clean.count(tokens.total_tokens)),
        cost_usd: llm.cost_usd,
        attempts: (!llm.attempts.is_empty()).then(|| position(llm.attempts.len())),
        time_to_first_token_ms: clean.number(llm.time_to_first_token_ms),
        cached: llm.cached,
        input: clean.json_of(&call.input),
        output: clean.json_of(&call.output),
        attributes: attributes(&call.attributes, clean),
    }
}

fn scores<'a>(
    now: Timestamp,
    place: &Place<'a>,
    clean: &mut Cleaner,
    stage: &'a Stage,
) -> impl Iterator<Item = ScoreRow<'a>> {
    stage.principle_scores.iter().enumerate().map(move |(index, score)| ScoreRow {
        trace_id: place.trace_id.clone(),
        // A principle can be scored twice in a stage; what humans and judges add later never has a dot.
        id: format!("{}.{index}", place.stage_id).into(),
        source: "pipeline".into(),
        stage_id: Some(place.stage_id.clone()),
        stage: Some(place.stage.clone()),
        principle_id: clean.name(&score.id),
        name: clean.name_of(score.name.as_ref()),
        score: clean.number(score.score),
        feedback: clean.text_of(score.feedback.as_ref()),
        author: None,
        created_at: stage.completed_at.unwrap_or(now),
    })
}

/// Flags have no id of their own: what they say is what they are.
pub(super) fn flags<'a>(
    about: &About<'_>,
    flags: impl IntoIterator<Item = &'a CalibrationFlag>,
    clean: &mut Cleaner,
) -> Vec<FlagRow> {
    let mut ids = Ids::default();
    let row = |flag: &CalibrationFlag| {
        let hash = blake3::hash(format!("{}\n{}", flag.kind, flag.message).as_bytes()).to_hex();
        FlagRow {
            trace_id: about.trace_id.clone().into(),
            id: ids.unique(&hash[..16].to_owned().into()).into(),
            kind: clean.name(&flag.kind).into(),
            message: clean.text(&flag.message).into(),
            n: clean.count(flag.n),
            effect: clean.number(flag.effect),
            interval_low: clean.number(flag.interval.map(|interval| interval.0)),
            interval_high: clean.number(flag.interval.map(|interval| interval.1)),
            thin: flag.thin,
            created_at: about.now,
            basis: None,
        }
    };
    flags.into_iter().map(row).collect()
}
