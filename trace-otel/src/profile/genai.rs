//! The OpenTelemetry semantic conventions for generative AI, as of version 1.41.1, the last that the main repository froze.
//!
//! Their successor renames (`cache_creation` becomes `cache_write`) are not read by any backend tested, so the frozen names are used.
//! `gen_ai.prompt.version` is of the successor: there is no older name. `gen_ai.usage.cost` is in no convention, and read by several backends.

use super::{call, message, project, session};
use crate::convert::attributes::Attributes;
use crate::convert::tree::{Node, Subject, Tree};
use serde_json::Value;
use trace_core::model::{Kind, LlmCall, Observation, Trace};

/// `{operation} {what}` as the conventions ask for; `None` for what they do not know.
pub(super) fn name(trace: &Trace, node: &Node<'_>) -> Option<String> {
    let operation = operation(node)?;
    let what = match node.subject {
        Subject::Run(_) => Some(project(trace)),
        Subject::Observation(observation) => match observation.kind {
            Kind::Llm | Kind::Embedding => observation.llm.as_ref().and_then(|llm| llm.model.as_deref()),
            _ => Some(observation.name.as_str()),
        },
        Subject::Stage(..) | Subject::Decision(_) => None,
    };
    Some(what.map_or_else(|| operation.to_owned(), |what| format!("{operation} {what}")))
}

/// What the conventions call the span. A decision is no `plan`, which means to take a task apart.
fn operation(node: &Node<'_>) -> Option<&'static str> {
    match node.subject {
        Subject::Run(_) => Some("invoke_workflow"),
        Subject::Observation(observation) => match observation.kind {
            Kind::Llm => Some("chat"),
            Kind::Embedding => Some("embeddings"),
            Kind::Agent => Some("invoke_agent"),
            Kind::Tool => Some("execute_tool"),
            Kind::Retrieval => Some("retrieval"),
            _ => None,
        },
        Subject::Stage(..) | Subject::Decision(_) => None,
    }
}

pub(super) fn attributes(tree: &Tree<'_>, node: &Node<'_>, to: &mut Attributes) {
    to.maybe("gen_ai.operation.name", operation(node));
    match node.subject {
        Subject::Run(_) => {
            to.text("gen_ai.workflow.name", project(tree.trace));
            to.maybe("gen_ai.conversation.id", session(tree.trace));
            to.maybe("user.id", tree.trace.user_id.as_deref());
        }
        Subject::Observation(observation) => of_observation(observation, to),
        Subject::Stage(..) | Subject::Decision(_) => {}
    }
    if let Some(call) = call(node) {
        to.maybe("gen_ai.conversation.id", session(tree.trace));
        of_call(call, node.reports_usage, to);
    }
}

fn of_observation(observation: &Observation, to: &mut Attributes) {
    match observation.kind {
        Kind::Agent => to.text("gen_ai.agent.name", observation.name.as_str()),
        Kind::Tool => {
            to.text("gen_ai.tool.name", observation.name.as_str());
            to.json("gen_ai.tool.call.arguments", &observation.input);
            to.json("gen_ai.tool.call.result", &observation.output);
        }
        _ => {}
    }
}

fn of_call(call: &LlmCall, reports_usage: bool, to: &mut Attributes) {
    to.maybe("gen_ai.provider.name", call.provider.as_deref());
    to.maybe("gen_ai.request.model", call.model.as_deref());
    for (name, value) in &call.parameters {
        parameter(name, value, to);
    }
    to.maybe("gen_ai.prompt.name", call.prompt_name.as_deref());
    if let Some(version) = call.prompt_version {
        to.text("gen_ai.prompt.version", version.to_string());
    }
    if let Some(millis) = call.time_to_first_token_ms {
        to.double("gen_ai.response.time_to_first_chunk", millis / 1e3);
    }
    let (input, output) = (message::input(call), message::output(call));
    to.texts("gen_ai.response.finish_reasons", output.iter().filter_map(|message| message.finish_reason.clone()));
    to.json("gen_ai.input.messages", &Value::Array(input.iter().map(message::Message::to_genai).collect()));
    to.json("gen_ai.output.messages", &Value::Array(output.iter().map(message::Message::to_genai).collect()));
    if reports_usage {
        usage(call, to);
    }
}

/// Tokens, inclusive: input with what was read from and written to caches, output with reasoning.
fn usage(call: &LlmCall, to: &mut Attributes) {
    if let Some(usage) = call.usage {
        let inclusive = usage.inclusive();
        to.int("gen_ai.usage.input_tokens", inclusive.input_tokens);
        to.int("gen_ai.usage.output_tokens", inclusive.output_tokens);
        for (name, tokens) in [
            ("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens),
            ("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens),
            ("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens),
        ] {
            if tokens > 0 {
                to.int(name, tokens);
            }
        }
    }
    if let Some(cost) = call.cost_usd {
        to.double("gen_ai.usage.cost", cost.approximate());
    }
}

/// A sampling parameter under the name of the conventions.
fn parameter(name: &str, value: &Value, to: &mut Attributes) {
    match name {
        "temperature" | "top_p" | "frequency_penalty" | "presence_penalty" => {
            if let Some(number) = value.as_f64() {
                to.double(format!("gen_ai.request.{name}"), number);
            }
        }
        "top_k" | "max_tokens" | "seed" => to.value(format!("gen_ai.request.{name}"), value),
        "max_completion_tokens" | "max_output_tokens" => to.value("gen_ai.request.max_tokens", value),
        "stream" => to.value("gen_ai.request.stream", value),
        "n" => to.value("gen_ai.request.choice.count", value),
        "stop" | "stop_sequences" => match value {
            Value::String(stop) => to.texts("gen_ai.request.stop_sequences", [stop.as_str()]),
            Value::Array(stops) => to.texts("gen_ai.request.stop_sequences", stops.iter().filter_map(Value::as_str)),
            _ => {}
        },
        _ => {}
    }
}
