//! What whytrace itself says of a span, whatever conventions are used beside it: `whytrace.*` attributes, and events for decisions,
//! evidence, scores, flags and errors.

use super::project;
use crate::convert::attributes::Attributes;
use crate::convert::tree::{Node, Subject, Tree, nanos};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use trace_core::model::{
    Decision, ErrorInfo, Evidence, Money, Observation, Outcome, Score, Stage, Status, TokenUsage, Trace,
};

/// Events of one span; further ones are counted in `dropped_events_count`, as the protocol has it.
const EVENTS: usize = 1000;

/// The attributes of a span. Captured values are among them unless a profile `shows_content` under its own names.
pub(super) fn attributes(tree: &Tree<'_>, node: &Node<'_>, shows_content: bool, to: &mut Attributes) {
    match node.subject {
        Subject::Run(stage) => {
            of_run(tree.trace, shows_content, to);
            if let Some(stage) = stage {
                of_stage(stage, true, to);
            }
        }
        Subject::Stage(name, stage) => {
            to.text("whytrace.stage", name);
            to.int("whytrace.stage.index", stage.index);
            of_stage(stage, shows_content, to);
        }
        Subject::Observation(observation) => of_observation(observation, shows_content, to),
        Subject::Decision(decision) => of_decision(decision, to),
    }
    let error = error_of(tree, node);
    to.maybe("error.type", error.map(error_type));
    summarised(&node.decisions, to);
}

/// What made the span fail.
pub(crate) fn error_of<'a>(tree: &Tree<'a>, node: &Node<'a>) -> Option<&'a ErrorInfo> {
    match node.subject {
        Subject::Run(stage) => {
            let of_stage = || stage.and_then(|stage| stage.error.as_ref());
            tree.trace.run.error.as_ref().or_else(of_stage)
        }
        Subject::Stage(_, stage) => stage.error.as_ref(),
        Subject::Observation(observation) => observation.error.as_ref(),
        Subject::Decision(_) => None,
    }
}

/// How the span ended.
pub(crate) fn outcome_of(tree: &Tree<'_>, node: &Node<'_>) -> Option<Outcome> {
    match node.subject {
        Subject::Run(_) => match tree.trace.run.status {
            Status::Complete => Some(Outcome::Ok),
            Status::Failed => Some(Outcome::Err),
            Status::Incomplete => Some(Outcome::Cancelled),
            Status::InProgress => None,
        },
        Subject::Stage(_, stage) => stage.outcome,
        Subject::Observation(observation) => observation.outcome,
        Subject::Decision(_) => Some(Outcome::Ok),
    }
}

/// The error's type; the conventions' word where the program gave none.
fn error_type(error: &ErrorInfo) -> &str {
    error.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("_OTHER")
}

fn of_run(trace: &Trace, shows_content: bool, to: &mut Attributes) {
    to.text("whytrace.trace_id", trace.trace_id.as_str());
    to.text("whytrace.project", project(trace));
    to.maybe("whytrace.parent_trace_id", trace.parent_trace_id.as_deref());
    to.text("whytrace.status", trace.run.status.as_str());
    let run = &trace.run;
    for (key, value) in [
        ("query", &run.query),
        ("intent", &run.intent),
        ("domain", &run.domain),
        ("report_type", &run.report_type),
        ("research_type", &run.research_type),
    ] {
        to.maybe(format!("whytrace.{key}"), value.as_deref());
    }
    to.maybe("session.id", super::session(trace));
    to.maybe("user.id", trace.user_id.as_deref());
    for (key, value) in &trace.tags {
        to.text(format!("whytrace.tag.{key}"), value.as_str());
    }
    for (key, value) in &run.fields {
        to.value(format!("whytrace.field.{key}"), value);
    }
    if !shows_content {
        to.json("whytrace.outputs", &Value::Object(trace.outputs.clone()));
    }
    if trace.iteration_count > 0 {
        to.int("whytrace.iterations", trace.iteration_count);
        to.int("whytrace.quality_gate_failures", trace.quality_gate_failures);
    }
    if trace.metadata.dropped_events > 0 {
        to.int("whytrace.dropped_events", trace.metadata.dropped_events);
    }
    totals(trace, to);
}

/// Tokens and cost of the whole run, under names that no backend adds to those of the calls.
fn totals(trace: &Trace, to: &mut Attributes) {
    let mut tokens = TokenUsage::default();
    trace.stages.values().filter_map(|stage| stage.token_usage).for_each(|usage| tokens += usage);
    if tokens != TokenUsage::default() {
        to.int("whytrace.total_input_tokens", tokens.input_tokens);
        to.int("whytrace.total_output_tokens", tokens.output_tokens);
    }
    let costs: Vec<Money> = trace.stages.values().filter_map(|stage| stage.cost_usd).collect();
    if !costs.is_empty() {
        to.text("whytrace.total_cost_usd", costs.into_iter().sum::<Money>().to_string());
    }
}

fn of_stage(stage: &Stage, shows_content: bool, to: &mut Attributes) {
    to.maybe("whytrace.component", stage.component.as_deref());
    to.maybe("whytrace.outcome", stage.outcome.map(Outcome::as_str));
    if !shows_content {
        to.json("whytrace.input", &stage.inputs);
        to.json("whytrace.output", &stage.outputs);
    }
    if let Some(evidence) = &stage.evidence {
        of_evidence(evidence, to);
    }
    for score in &stage.principle_scores {
        to.double(format!("whytrace.score.{}", score.id), score.score);
    }
    if let Some(overall) = stage.overall_score {
        to.double("whytrace.overall_score", overall);
    }
    if let Some(passing) = stage.passing {
        to.bool("whytrace.passing", passing);
    }
    to.texts("whytrace.gaps", stage.gaps.iter().map(String::as_str));
    to.texts("whytrace.strengths", stage.strengths.iter().map(String::as_str));
    for (key, value) in &stage.attributes {
        to.value(format!("whytrace.attribute.{key}"), value);
    }
}

fn of_observation(observation: &Observation, shows_content: bool, to: &mut Attributes) {
    to.text("whytrace.kind", observation.kind.as_str());
    to.text("whytrace.name", observation.name.as_str());
    to.maybe("whytrace.component", observation.component.as_deref());
    to.maybe("whytrace.outcome", observation.outcome.map(Outcome::as_str));
    if !shows_content {
        to.json("whytrace.input", &observation.input);
        to.json("whytrace.output", &observation.output);
    }
    for (key, value) in &observation.attributes {
        to.value(format!("whytrace.attribute.{key}"), value);
    }
    let Some(call) = &observation.llm else { return };
    to.maybe("whytrace.prompt.uri", call.prompt_uri.as_deref());
    to.maybe("whytrace.prompt.template_hash", call.template_hash.as_deref());
    // Exact, where other names take a floating-point number.
    to.maybe("whytrace.cost_usd", call.cost_usd.map(|cost| cost.to_string()).as_deref());
    if call.attempts.len() > 1 {
        to.json("whytrace.attempts", &json!(call.attempts));
    }
    if let Some(cached) = call.cached {
        to.bool("whytrace.cached", cached);
    }
}

fn of_evidence(evidence: &Evidence, to: &mut Attributes) {
    for (name, count) in [
        ("collected", evidence.collected),
        ("passed", evidence.passed),
        ("filtered", evidence.filtered),
        ("retrieved", evidence.retrieved),
        ("used", evidence.used),
    ] {
        if let Some(count) = count {
            to.int(format!("whytrace.evidence.{name}"), count);
        }
    }
    to.json("whytrace.evidence.by_source", &json!(evidence.by_source));
}

fn of_decision(decision: &Decision, to: &mut Attributes) {
    to.text("whytrace.decision.id", decision.id.as_str());
    to.text("whytrace.decision.point", decision.decision.as_str());
    to.text("whytrace.decision.what", decision.what.as_str());
    to.text("whytrace.decision.why", decision.why.as_str());
    if let Some(confidence) = decision.confidence {
        to.double("whytrace.decision.confidence", confidence);
    }
    to.json("whytrace.decision.alternatives", &json!(decision.alternatives_considered));
    to.json("whytrace.decision.inputs", &Value::Object(decision.inputs.clone()));
    to.maybe("whytrace.decision.component", decision.component.as_deref());
    to.maybe("whytrace.decision.location", decision.location.as_deref());
}

/// The last decision of each point, as attributes of the span it was made in: for backends that show no events, and for filters.
fn summarised(decisions: &[&Decision], to: &mut Attributes) {
    let mut points: BTreeMap<&str, (&Decision, u64)> = BTreeMap::new();
    for decision in decisions {
        let (last, count) = points.entry(&decision.decision).or_insert((decision, 0));
        *last = decision;
        *count += 1;
    }
    for (point, (decision, count)) in points {
        to.text(format!("whytrace.decision.{point}.what"), decision.what.as_str());
        to.text(format!("whytrace.decision.{point}.why"), decision.why.as_str());
        if let Some(confidence) = decision.confidence {
            to.double(format!("whytrace.decision.{point}.confidence"), confidence);
        }
        if count > 1 {
            to.int(format!("whytrace.decision.{point}.count"), count);
        }
    }
}

/// The events of a span in order of time, and how many more there would be.
pub(crate) fn events(tree: &Tree<'_>, node: &Node<'_>) -> (Vec<Event>, u32) {
    let mut events: Vec<Event> = node.decisions.iter().map(|decision| decision_event(decision, node)).collect();
    let stage = match node.subject {
        Subject::Run(stage) => stage,
        Subject::Stage(_, stage) => Some(stage),
        Subject::Observation(_) | Subject::Decision(_) => None,
    };
    if let Some(stage) = stage {
        events.extend(stage.evidence.iter().flat_map(|evidence| evidence_events(evidence, node)));
        events.extend(stage.principle_scores.iter().map(|score| score_event(score, node)));
    }
    if let Subject::Run(_) = node.subject {
        events.extend(run_events(tree.trace, node));
    }
    events.sort_by_key(|event| event.time_unix_nano);
    let dropped = events.len().saturating_sub(EVENTS);
    events.truncate(EVENTS);
    // It comes last in time, and is never what there is no room for.
    events.extend(error_of(tree, node).map(|error| exception(error, node)));
    (events, u32::try_from(dropped).unwrap_or(u32::MAX))
}

fn event(name: &str, at: u64, attributes: Attributes) -> Event {
    Event { time_unix_nano: at, name: name.to_owned(), attributes: attributes.into_list(), dropped_attributes_count: 0 }
}

fn decision_event(decision: &Decision, node: &Node<'_>) -> Event {
    let mut attributes = Attributes::default();
    of_decision(decision, &mut attributes);
    event("whytrace.decision", decision.timestamp.map_or(node.start, nanos), attributes)
}

/// The counts in one event, then each item with its reason.
fn evidence_events(evidence: &Evidence, node: &Node<'_>) -> Vec<Event> {
    let mut counts = Attributes::default();
    of_evidence(evidence, &mut counts);
    let items = evidence.items.iter().map(|item| {
        let mut attributes = Attributes::default();
        attributes.text("whytrace.evidence.id", item.id.as_str());
        attributes.maybe("whytrace.evidence.source", item.source.as_deref());
        if let Some(score) = item.score {
            attributes.double("whytrace.evidence.score", score);
        }
        attributes.bool("whytrace.evidence.kept", item.kept);
        attributes.maybe("whytrace.evidence.reason", item.reason.as_deref());
        event("whytrace.evidence.item", node.end, attributes)
    });
    std::iter::once(event("whytrace.evidence", node.end, counts)).chain(items).collect()
}

/// A score as the conventions write an evaluation. No backend known reads it into its own scores; all of them show it.
fn score_event(score: &Score, node: &Node<'_>) -> Event {
    let mut attributes = Attributes::default();
    attributes.text("gen_ai.evaluation.name", score.id.as_str());
    attributes.double("gen_ai.evaluation.score.value", score.score);
    attributes.maybe("gen_ai.evaluation.score.label", score.name.as_deref());
    attributes.maybe("gen_ai.evaluation.explanation", score.feedback.as_deref());
    event("gen_ai.evaluation.result", node.end, attributes)
}

fn run_events(trace: &Trace, node: &Node<'_>) -> Vec<Event> {
    let flags = trace.calibration_flags.iter().map(|flag| {
        let mut attributes = Attributes::default();
        attributes.text("whytrace.flag.kind", flag.kind.as_str());
        attributes.text("whytrace.flag.message", flag.message.as_str());
        attributes.int("whytrace.flag.n", flag.n);
        attributes.bool("whytrace.flag.thin", flag.thin);
        event("whytrace.calibration_flag", node.end, attributes)
    });
    let warnings = trace.warnings.iter().map(|warning| {
        let mut attributes = Attributes::default();
        attributes.text("whytrace.warning.message", warning.message.as_str());
        attributes.maybe("whytrace.stage", warning.stage.as_deref());
        event("whytrace.warning", warning.timestamp.map_or(node.end, nanos), attributes)
    });
    flags.chain(warnings).collect()
}

/// An error as the conventions write exceptions; its sources stand in the stack trace, outermost first.
fn exception(error: &ErrorInfo, node: &Node<'_>) -> Event {
    let mut attributes = Attributes::default();
    attributes.text("exception.type", error_type(error));
    attributes.text("exception.message", error.message.as_str());
    let causes = error.chain.iter().map(|cause| format!("caused by: {cause}"));
    let place = error.location.iter().map(|location| format!("at {location}"));
    let lines: Vec<String> = causes.chain(place).chain(error.backtrace.clone()).collect();
    attributes.maybe("exception.stacktrace", Some(lines.join("\n").as_str()));
    event("exception", node.end, attributes)
}
