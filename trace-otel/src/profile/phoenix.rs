//! OpenInference, as Arize Phoenix reads it: kinds, flattened messages, inclusive token counts, retrieved documents.

use super::message::{self, Message, Part};
use super::{call, session};
use crate::convert::attributes::Attributes;
use crate::convert::tree::{Node, Subject, Tree};
use serde_json::{Value, json};
use trace_core::model::{Evidence, Kind, LlmCall, Trace};

/// How many documents of a stage are listed one by one; each takes several attributes.
const DOCUMENTS: usize = 100;

pub(super) fn attributes(tree: &Tree<'_>, node: &Node<'_>, to: &mut Attributes) {
    to.text("openinference.span.kind", kind(node));
    to.maybe("session.id", session(tree.trace));
    to.maybe("user.id", tree.trace.user_id.as_deref());
    match node.subject {
        Subject::Run(_) => of_run(tree.trace, to),
        Subject::Stage(_, stage) => {
            content("input", &stage.inputs, to);
            content("output", &stage.outputs, to);
            if let Some(evidence) = &stage.evidence {
                documents(evidence, to);
            }
        }
        Subject::Observation(observation) => {
            if let Some(call) = call(node) {
                of_call(call, node.reports_usage, to);
            }
            content("input", &observation.input, to);
            content("output", &observation.output, to);
            match observation.kind {
                Kind::Tool => to.text("tool.name", observation.name.as_str()),
                Kind::Agent => to.text("agent.name", observation.name.as_str()),
                _ => {}
            }
        }
        Subject::Decision(decision) => {
            let considered = json!({ "inputs": decision.inputs, "alternatives": decision.alternatives_considered });
            content("input", &considered, to);
            let chosen = json!({ "what": decision.what, "why": decision.why, "confidence": decision.confidence });
            content("output", &chosen, to);
        }
    }
}

fn kind(node: &Node<'_>) -> &'static str {
    let Subject::Observation(observation) = node.subject else { return "CHAIN" };
    match observation.kind {
        Kind::Llm => "LLM",
        Kind::Embedding => "EMBEDDING",
        Kind::Agent => "AGENT",
        Kind::Tool => "TOOL",
        Kind::Retrieval => "RETRIEVER",
        Kind::Template => "PROMPT",
        Kind::Validation => "EVALUATOR",
        Kind::Function | Kind::Codegen | Kind::FileWrite | Kind::Other(_) => "CHAIN",
    }
}

fn of_run(trace: &Trace, to: &mut Attributes) {
    content("input", &json!(trace.run.query), to);
    content("output", &Value::Object(trace.outputs.clone()), to);
    to.texts("tag.tags", trace.tags.iter().map(|(key, value)| format!("{key}:{value}")));
    let run = &trace.run;
    let metadata = json!({
        "whytrace_trace_id": trace.trace_id,
        "intent": run.intent,
        "domain": run.domain,
        "status": run.status,
    });
    to.json("metadata", &metadata);
}

/// `input.value` or `output.value`, with what it is.
fn content(side: &str, value: &Value, to: &mut Attributes) {
    match value {
        Value::Null => return,
        Value::String(text) => {
            to.text(format!("{side}.value"), text.as_str());
            to.text(format!("{side}.mime_type"), "text/plain");
            return;
        }
        other => to.json(format!("{side}.value"), other),
    }
    to.text(format!("{side}.mime_type"), "application/json");
}

fn of_call(call: &LlmCall, reports_usage: bool, to: &mut Attributes) {
    to.maybe("llm.model_name", call.model.as_deref());
    to.maybe("llm.provider", call.provider.as_deref());
    to.maybe("llm.system", call.provider.as_deref());
    if !call.parameters.is_empty() {
        to.json("llm.invocation_parameters", &Value::Object(call.parameters.clone()));
    }
    if let Some(version) = call.prompt_version {
        to.text("llm.prompt_template.version", version.to_string());
    }
    to.maybe("prompt.id", call.prompt_registry_name.as_deref());
    to.maybe("prompt.url", call.prompt_uri.as_deref());
    messages("llm.input_messages", &message::input(call), to);
    messages("llm.output_messages", &message::output(call), to);
    content("input", &call.messages, to);
    content("output", &call.response, to);
    if !reports_usage {
        return;
    }
    if let Some(usage) = call.usage {
        let inclusive = usage.inclusive();
        to.int("llm.token_count.prompt", inclusive.input_tokens);
        to.int("llm.token_count.completion", inclusive.output_tokens);
        to.int("llm.token_count.total", inclusive.total_tokens);
        for (name, tokens) in [
            ("llm.token_count.prompt_details.cache_read", usage.cached_input_tokens),
            ("llm.token_count.prompt_details.cache_write", usage.cache_write_tokens),
            ("llm.token_count.completion_details.reasoning", usage.reasoning_tokens),
        ] {
            if tokens > 0 {
                to.int(name, tokens);
            }
        }
    }
    if let Some(cost) = call.cost_usd {
        to.double("llm.cost.total", cost.approximate());
    }
}

fn messages(prefix: &str, messages: &[Message], to: &mut Attributes) {
    for (n, message) in messages.iter().enumerate() {
        let prefix = format!("{prefix}.{n}.message");
        to.text(format!("{prefix}.role"), message.role.as_str());
        to.maybe(format!("{prefix}.content"), message.text().as_deref());
        let calls = message.parts.iter().filter_map(|part| match part {
            Part::ToolCall { id, name, arguments } => Some((id, name, arguments)),
            Part::Text(_) | Part::ToolResponse { .. } | Part::Other(_) => None,
        });
        for (m, (id, name, arguments)) in calls.enumerate() {
            let prefix = format!("{prefix}.tool_calls.{m}.tool_call");
            to.maybe(format!("{prefix}.id"), id.as_deref());
            to.text(format!("{prefix}.function.name"), name.as_str());
            to.json(format!("{prefix}.function.arguments"), arguments);
        }
        for part in &message.parts {
            if let Part::ToolResponse { id, .. } = part {
                to.maybe(format!("{prefix}.tool_call_id"), id.as_deref());
            }
        }
    }
}

/// What a stage kept, as retrieved documents with their scores.
fn documents(evidence: &Evidence, to: &mut Attributes) {
    for (n, item) in evidence.items.iter().filter(|item| item.kept).take(DOCUMENTS).enumerate() {
        let prefix = format!("retrieval.documents.{n}.document");
        to.text(format!("{prefix}.id"), item.id.as_str());
        if let Some(score) = item.score {
            to.double(format!("{prefix}.score"), score);
        }
        to.json(format!("{prefix}.metadata"), &json!({ "source": item.source, "reason": item.reason }));
    }
}
