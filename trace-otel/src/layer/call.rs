//! The fields `gen_ai.*` of a span, as a call of a model.
//!
//! Read are the names of the OpenTelemetry conventions as rig and genai emit them, with the older and the newer spelling of those that were
//! renamed. What is not read here stays an attribute.

use super::fields::Fields;
use serde_json::{Value, json};
use trace_core::model::{ErrorInfo, Kind, LlmCall, Money, PromptLink, Usage};
use tracing::Metadata;

/// What sort of call a span stands for: by its operation, else by the fields it declares. Some programs say the operation only later.
pub(super) fn kind(metadata: &Metadata<'_>, fields: &Fields) -> Kind {
    match fields.text("gen_ai.operation.name") {
        Some("chat" | "text_completion" | "generate_content") => Kind::Llm,
        Some("embeddings") => Kind::Embedding,
        Some("execute_tool") => Kind::Tool,
        Some("invoke_agent" | "create_agent") => Kind::Agent,
        Some("retrieval" | "rerank") => Kind::Retrieval,
        Some(_) => Kind::Function,
        None => {
            let declares = |name| metadata.fields().field(name).is_some();
            let is_call = declares("gen_ai.usage.output_tokens") && declares("gen_ai.request.model");
            if is_call { Kind::Llm } else { Kind::Function }
        }
    }
}

/// The call that the fields speak of; takes them out.
pub(super) fn call(fields: &mut Fields) -> LlmCall {
    let asked_for = fields.take_text("gen_ai.request.model");
    let mut call = LlmCall {
        // The one that answered is the one that was paid for.
        model: fields.take_text("gen_ai.response.model").or(asked_for),
        provider: fields.take_text("gen_ai.provider.name").or_else(|| fields.take_text("gen_ai.system")),
        messages: messages(fields),
        response: fields.take_json("gen_ai.output.messages"),
        usage: usage(fields),
        cost_usd: fields.take_text("gen_ai.usage.cost").and_then(|cost| cost.parse::<Money>().ok()),
        time_to_first_token_ms: fields.take_number("gen_ai.response.time_to_first_chunk").map(|seconds| seconds * 1e3),
        ..LlmCall::default()
    };
    if let Some(name) = fields.take_text("gen_ai.prompt.name") {
        let prompt_version = fields.take_text("gen_ai.prompt.version").and_then(|version| version.parse().ok());
        call = call.prompt(PromptLink { prompt_name: Some(name), prompt_version, ..PromptLink::default() });
    }
    let parameters: Vec<String> = fields.0.keys().filter(|key| key.starts_with("gen_ai.request.")).cloned().collect();
    for key in parameters {
        let value = fields.take_json(&key);
        call.parameters.insert(key.trim_start_matches("gen_ai.request.").to_owned(), value);
    }
    call
}

/// The name that the fields give the call; takes it out. rig says the name of a tool only when it has begun to run it.
pub(super) fn name(kind: &Kind, fields: &mut Fields) -> Option<String> {
    let of_kind = match kind {
        Kind::Tool => fields.take_text("gen_ai.tool.name"),
        Kind::Agent => fields.take_text("gen_ai.agent.name"),
        _ => None,
    };
    let of_span = fields.take_text("otel.name");
    of_kind.or(of_span)
}

/// The arguments of a tool, the task of an agent; takes them out. A model call has its messages instead.
pub(super) fn input(kind: &Kind, fields: &mut Fields) -> Value {
    match kind {
        Kind::Tool => fields.take_json("gen_ai.tool.call.arguments"),
        Kind::Agent => fields.take_json_or_text("gen_ai.input.messages", "gen_ai.prompt"),
        _ => Value::Null,
    }
}

/// What a tool returned, what an agent answered; takes it out. A model call has its response instead.
pub(super) fn output(kind: &Kind, fields: &mut Fields) -> Value {
    match kind {
        Kind::Tool => fields.take_json("gen_ai.tool.call.result"),
        Kind::Agent => fields.take_json_or_text("gen_ai.output.messages", "gen_ai.completion"),
        _ => Value::Null,
    }
}

/// The messages, behind the instructions where those came apart. rig's agents say the instructions in both places.
fn messages(fields: &mut Fields) -> Value {
    let instructions = fields.take_json("gen_ai.system_instructions");
    let messages = fields.take_json("gen_ai.input.messages");
    if instructions.is_null() || messages[0]["role"] == "system" && messages[0]["parts"] == instructions {
        return messages;
    }
    let system = json!({ "role": "system", "parts": instructions });
    match messages {
        Value::Array(messages) => std::iter::once(system).chain(messages).collect(),
        Value::Null => json!([system]),
        other => json!([system, other]),
    }
}

/// The conventions count inclusively; this counts disjointly. Cached tokens that are more than all input show a program that does not follow them.
fn usage(fields: &mut Fields) -> Option<Usage> {
    let input = fields.take_count("gen_ai.usage.input_tokens");
    let output = fields.take_count("gen_ai.usage.output_tokens");
    let mut first = |names: [&str; 2]| {
        let [one, other] = names.map(|name| fields.take_count(name));
        one.or(other).unwrap_or(0)
    };
    let cached = first(["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cached_tokens"]);
    let written = first(["gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"]);
    let reasoning = first(["gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let without = |all: u64, parts: u64| if parts <= all { all - parts } else { all };
    let usage = Usage {
        input_tokens: without(input.unwrap_or(0), cached.saturating_add(written)),
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: without(output.unwrap_or(0), reasoning),
        reasoning_tokens: reasoning,
        total_tokens: 0,
    };
    Some(usage.totalled())
}

/// The error of a model call that is over without any sign of an answer, though its span has fields for one. That is how rig ends a call
/// that failed: it tells its caller, and says nothing through `tracing`. Of a stream nothing is concluded, for rig says nothing either of one
/// that was read to its end and not asked for its whole.
pub(super) fn unanswered(metadata: &Metadata<'_>, kind: &Kind, fields: &Fields) -> Option<ErrorInfo> {
    let declares_answer = metadata.fields().field("gen_ai.response.model").is_some();
    let is_answer = |key: &String| {
        ["gen_ai.response.", "gen_ai.usage.", "gen_ai.output.messages"].iter().any(|prefix| key.starts_with(prefix))
    };
    let is_stream = fields.0.get("gen_ai.request.stream") == Some(&Value::Bool(true));
    let may_tell = kind.is_model_call() && declares_answer && !is_stream;
    let is_unanswered = may_tell && !fields.0.keys().any(is_answer);
    is_unanswered.then(|| ErrorInfo {
        kind: Some("no_answer".to_owned()),
        message: "the call ended without an answer; its client does not say whether it failed or was given up"
            .to_owned(),
        ..ErrorInfo::default()
    })
}

/// The error that the fields speak of; takes them out.
pub(super) fn error(fields: &mut Fields) -> Option<ErrorInfo> {
    let names = ["error.type", "exception.type", "gen_ai.tool.error.type"];
    let kind = names.into_iter().find_map(|name| fields.take_text(name));
    let status = fields.take_text("otel.status_code");
    let said = fields.take_text("otel.status_description").or_else(|| fields.take_text("otel.status_message"));
    let message = fields.take_text("exception.message").or(said);
    let failed = kind.is_some() || status.is_some_and(|status| status.eq_ignore_ascii_case("error"));
    failed.then(|| ErrorInfo {
        message: message.or_else(|| kind.clone()).unwrap_or_else(|| "error".to_owned()),
        kind,
        ..ErrorInfo::default()
    })
}
