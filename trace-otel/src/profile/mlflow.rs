//! The names that MLflow looks for.
//!
//! Three of them are traps. The type of a span must be a plain string: as JSON text it is shown, but no filter finds it. Tags and linked
//! prompts are read from attributes of the root span named `mlflow.traceTag.…`. And the tag of linked prompts is shown, but the
//! filter `prompt = "…"` looks elsewhere: [`crate::mlflow`] makes that link by REST.

use super::{call, session};
use crate::convert::attributes::{Attributes, is_empty};
use crate::convert::tree::{Node, Subject, Tree};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use trace_core::model::{Kind, LlmCall, Trace};

/// What a tag of MLflow holds at most.
const TAG_BYTES: usize = 4096;

pub(super) fn attributes(tree: &Tree<'_>, node: &Node<'_>, to: &mut Attributes) {
    to.text("mlflow.spanType", span_type(node));
    match node.subject {
        Subject::Run(_) => of_run(tree.trace, to),
        Subject::Stage(_, stage) => {
            to.json("mlflow.spanInputs", &stage.inputs);
            to.json("mlflow.spanOutputs", &stage.outputs);
        }
        Subject::Observation(observation) => {
            if let Some(call) = call(node) {
                of_call(call, node.reports_usage, to);
            }
            to.json("mlflow.spanInputs", &observation.input);
            to.json("mlflow.spanOutputs", &observation.output);
        }
        Subject::Decision(decision) => {
            let alternatives = json!(decision.alternatives_considered);
            to.json("mlflow.spanInputs", &json!({ "inputs": decision.inputs, "alternatives": alternatives }));
            let chosen = json!({ "what": decision.what, "why": decision.why, "confidence": decision.confidence });
            to.json("mlflow.spanOutputs", &chosen);
        }
    }
}

fn span_type(node: &Node<'_>) -> &'static str {
    match node.subject {
        Subject::Run(_) => "WORKFLOW",
        Subject::Stage(..) => "CHAIN",
        Subject::Decision(_) => "DECISION",
        Subject::Observation(observation) => match &observation.kind {
            Kind::Llm => "CHAT_MODEL",
            Kind::Embedding => "EMBEDDING",
            Kind::Agent => "AGENT",
            Kind::Tool => "TOOL",
            Kind::Retrieval => "RETRIEVER",
            Kind::Validation => "EVALUATOR",
            Kind::Function | Kind::Template | Kind::Codegen | Kind::FileWrite => "TASK",
            Kind::Other(_) => "UNKNOWN",
        },
    }
}

fn of_run(trace: &Trace, to: &mut Attributes) {
    if let Some(query) = &trace.run.query {
        to.json("mlflow.spanInputs", &json!({ "query": query }));
    }
    to.json("mlflow.spanOutputs", &Value::Object(trace.outputs.clone()));
    to.maybe("session.id", session(trace));
    to.maybe("user.id", trace.user_id.as_deref());
    for (key, value) in &trace.tags {
        to.text(format!("mlflow.traceTag.{key}"), value.as_str());
    }
    to.text("mlflow.traceTag.whytrace.trace_id", trace.trace_id.as_str());
    for (key, value) in [("intent", &trace.run.intent), ("domain", &trace.run.domain)] {
        to.maybe(format!("mlflow.traceTag.whytrace.{key}"), value.as_deref());
    }
    if let Some(tag) = prompts_tag(&linked_prompts(trace)) {
        to.text("mlflow.traceTag.mlflow.linkedPrompts", tag);
    }
}

fn of_call(call: &LlmCall, reports_usage: bool, to: &mut Attributes) {
    to.maybe("mlflow.llm.model", call.model.as_deref());
    to.maybe("mlflow.llm.provider", call.provider.as_deref());
    if !is_empty(&call.messages) {
        let mut inputs = Map::from_iter([("messages".to_owned(), call.messages.clone())]);
        inputs.extend(call.parameters.clone());
        to.json("mlflow.spanInputs", &Value::Object(inputs));
    }
    to.json("mlflow.spanOutputs", &call.response);
    if !reports_usage {
        return;
    }
    if let Some(usage) = call.usage {
        let inclusive = usage.inclusive();
        let tokens = json!({
            "input_tokens": inclusive.input_tokens,
            "output_tokens": inclusive.output_tokens,
            "total_tokens": inclusive.total_tokens,
            "cache_read_input_tokens": usage.cached_input_tokens,
            "cache_creation_input_tokens": usage.cache_write_tokens,
        });
        to.json("mlflow.chat.tokenUsage", &tokens);
    }
    if let Some(cost) = call.cost_usd {
        to.json("mlflow.llm.cost", &json!({ "total_cost": cost.approximate() }));
    }
}

/// The prompt versions that the calls of a trace were made with, by their names in the registry, each once.
pub(crate) fn linked_prompts(trace: &Trace) -> BTreeSet<(String, u32)> {
    let observations = trace.stages.values().flat_map(|stage| &stage.observations);
    let calls = observations.filter_map(|observation| observation.llm.as_deref());
    calls
        .filter_map(|call| {
            let name = call.prompt_registry_name.as_ref().or(call.prompt_name.as_ref())?;
            Some((name.clone(), call.prompt_version?))
        })
        .collect()
}

/// The tag's text; versions are texts in MLflow. What does not fit is left to the link by REST, which has no such limit.
fn prompts_tag(prompts: &BTreeSet<(String, u32)>) -> Option<String> {
    let mut entries: Vec<Value> =
        prompts.iter().map(|(name, version)| json!({ "name": name, "version": version.to_string() })).collect();
    loop {
        if entries.is_empty() {
            return None;
        }
        let text = Value::Array(entries.clone()).to_string();
        if text.len() <= TAG_BYTES {
            return Some(text);
        }
        entries.pop();
    }
}
