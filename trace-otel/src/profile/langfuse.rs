//! The names that Langfuse looks for.
//!
//! Traps: input and output always go out under Langfuse's own names, because `gen_ai.prompt.name` would otherwise be taken for the input;
//! usage goes out as disjoint buckets, which stops Langfuse from adding inclusive ones up; a prompt is linked on generations only, and its
//! version must be a whole number; session, user and tags belong on every span.

use super::{call, project, session};
use crate::convert::attributes::Attributes;
use crate::convert::tree::{Node, Subject, Tree};
use serde_json::{Value, json};
use trace_core::model::{Kind, LlmCall, Observation, Outcome, Trace};

pub(super) fn attributes(tree: &Tree<'_>, node: &Node<'_>, to: &mut Attributes) {
    let trace = tree.trace;
    to.text("langfuse.observation.type", observation_type(node));
    to.text("langfuse.trace.name", project(trace));
    to.maybe("session.id", session(trace));
    to.maybe("user.id", trace.user_id.as_deref());
    to.texts("langfuse.trace.tags", trace.tags.iter().map(|(key, value)| format!("{key}:{value}")));
    match node.subject {
        Subject::Run(_) => of_run(trace, to),
        Subject::Stage(_, stage) => {
            to.json("langfuse.observation.input", &stage.inputs);
            to.json("langfuse.observation.output", &stage.outputs);
            level(stage.outcome, stage.error.as_ref().map(|error| error.message.as_str()), to);
        }
        Subject::Observation(observation) => of_observation(observation, node, to),
        Subject::Decision(decision) => {
            let alternatives = json!(decision.alternatives_considered);
            to.json("langfuse.observation.input", &json!({ "inputs": decision.inputs, "alternatives": alternatives }));
            let chosen = json!({ "what": decision.what, "why": decision.why, "confidence": decision.confidence });
            to.json("langfuse.observation.output", &chosen);
        }
    }
}

fn observation_type(node: &Node<'_>) -> &'static str {
    match node.subject {
        Subject::Stage(..) => "chain",
        Subject::Run(_) | Subject::Decision(_) => "span",
        Subject::Observation(observation) => match observation.kind {
            Kind::Llm => "generation",
            Kind::Embedding => "embedding",
            Kind::Agent => "agent",
            Kind::Tool => "tool",
            Kind::Retrieval => "retriever",
            Kind::Validation => "evaluator",
            _ => "span",
        },
    }
}

fn of_run(trace: &Trace, to: &mut Attributes) {
    let outputs = Value::Object(trace.outputs.clone());
    for (key, value) in [("input", json!(trace.run.query)), ("output", outputs)] {
        to.value(format!("langfuse.trace.{key}"), &value);
        to.value(format!("langfuse.observation.{key}"), &value);
    }
    to.text("langfuse.trace.metadata.whytrace_trace_id", trace.trace_id.as_str());
    for (key, value) in [("intent", &trace.run.intent), ("domain", &trace.run.domain)] {
        to.maybe(format!("langfuse.trace.metadata.{key}"), value.as_deref());
    }
}

fn of_observation(observation: &Observation, node: &Node<'_>, to: &mut Attributes) {
    if let Some(call) = call(node) {
        of_call(observation, call, node, to);
    }
    to.value("langfuse.observation.input", &observation.input);
    to.value("langfuse.observation.output", &observation.output);
    level(observation.outcome, observation.error.as_ref().map(|error| error.message.as_str()), to);
}

fn of_call(observation: &Observation, call: &LlmCall, node: &Node<'_>, to: &mut Attributes) {
    to.json("langfuse.observation.input", &call.messages);
    to.value("langfuse.observation.output", &call.response);
    to.maybe("langfuse.observation.model.name", call.model.as_deref());
    if !call.parameters.is_empty() {
        to.json("langfuse.observation.model.parameters", &Value::Object(call.parameters.clone()));
    }
    if observation.kind == Kind::Llm {
        to.maybe("langfuse.observation.prompt.name", call.prompt_name.as_deref());
        if let Some(version) = call.prompt_version {
            to.int("langfuse.observation.prompt.version", version);
        }
    }
    if let (Some(millis), Some(started)) = (call.time_to_first_token_ms, observation.started_at)
        && let Ok(waited) = std::time::Duration::try_from_secs_f64(millis / 1e3)
    {
        to.text("langfuse.observation.completion_start_time", started.plus(waited).to_string());
    }
    if node.reports_usage {
        usage(call, to);
    }
}

fn usage(call: &LlmCall, to: &mut Attributes) {
    if let Some(usage) = call.usage {
        let buckets = [
            ("input", usage.input_tokens),
            ("input_cached_tokens", usage.cached_input_tokens),
            ("input_cache_creation", usage.cache_write_tokens),
            ("output", usage.output_tokens),
            ("output_reasoning_tokens", usage.reasoning_tokens),
            ("total", usage.total_tokens),
        ];
        let kept =
            buckets.into_iter().filter(|(name, tokens)| *tokens > 0 || matches!(*name, "input" | "output" | "total"));
        to.json(
            "langfuse.observation.usage_details",
            &kept.map(|(name, tokens)| (name.to_owned(), json!(tokens))).collect(),
        );
    }
    if let Some(cost) = call.cost_usd {
        to.json("langfuse.observation.cost_details", &json!({ "total": cost.approximate() }));
    }
}

fn level(outcome: Option<Outcome>, message: Option<&str>, to: &mut Attributes) {
    let level = match outcome {
        Some(Outcome::Err | Outcome::Panicked) => "ERROR",
        Some(Outcome::Cancelled) => "WARNING",
        Some(Outcome::Ok) | None => return,
    };
    to.text("langfuse.observation.level", level);
    to.maybe("langfuse.observation.status_message", message);
}
