//! Messages of a model call, read from what programs record: OpenAI's shape, Anthropic's, plain text, anything.

use serde_json::{Value, json};
use trace_core::model::LlmCall;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) role: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) finish_reason: Option<String>,
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    ToolCall {
        id: Option<String>,
        name: String,
        arguments: Value,
    },
    ToolResponse {
        id: Option<String>,
        response: Value,
    },
    /// What no convention has a name for, as it was.
    Other(Value),
}

/// The messages sent.
pub(crate) fn input(call: &LlmCall) -> Vec<Message> {
    match &call.messages {
        Value::Null => Vec::new(),
        Value::Array(messages) => messages.iter().map(|message| Message::read(message, "user")).collect(),
        other => vec![Message::read(other, "user")],
    }
}

/// The messages that came back: of all choices where the response is OpenAI's JSON, else one.
pub(crate) fn output(call: &LlmCall) -> Vec<Message> {
    match &call.response {
        Value::Null => Vec::new(),
        Value::Array(messages) => messages.iter().map(|message| Message::read(message, "assistant")).collect(),
        response => match response.get("choices").and_then(Value::as_array) {
            Some(choices) => choices.iter().map(Message::of_choice).collect(),
            None => vec![Message::read(response, "assistant")],
        },
    }
}

impl Message {
    fn of_choice(choice: &Value) -> Self {
        let mut message = Self::read(choice.get("message").unwrap_or(choice), "assistant");
        message.finish_reason = text_of(choice, "finish_reason").or(message.finish_reason);
        message
    }

    fn read(message: &Value, role: &str) -> Self {
        let role = text_of(message, "role").unwrap_or_else(|| role.to_owned());
        let content = message.get("content").or_else(|| message.get("parts"));
        let mut parts = match content {
            Some(content) => pieces(content),
            None if message.get("tool_calls").is_some() => Vec::new(),
            None => pieces(message),
        };
        if let (Some(id), true) = (text_of(message, "tool_call_id"), role == "tool") {
            let response = content.cloned().unwrap_or_default();
            parts = vec![Part::ToolResponse { id: Some(id), response }];
        }
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        parts.extend(calls.map(tool_call));
        let finish_reason = text_of(message, "finish_reason").or_else(|| text_of(message, "stop_reason"));
        Self { role, parts, finish_reason }
    }

    /// The texts of the message, one after the other; without any, its parts as JSON.
    pub(crate) fn text(&self) -> Option<String> {
        let texts: Vec<&str> = self
            .parts
            .iter()
            .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
            .collect();
        if !texts.is_empty() {
            return Some(texts.join("\n"));
        }
        let others = self.parts.iter().find_map(|part| match part {
            Part::Other(value) | Part::ToolResponse { response: value, .. } => Some(value),
            Part::Text(_) | Part::ToolCall { .. } => None,
        });
        others.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// The message in the shape of OpenTelemetry: `{role, parts: [{type, content}]}`.
    pub(crate) fn to_genai(&self) -> Value {
        let parts: Vec<Value> = self.parts.iter().map(Part::to_genai).collect();
        let mut message = json!({ "role": self.role, "parts": parts });
        if let (Some(reason), Some(fields)) = (&self.finish_reason, message.as_object_mut()) {
            fields.insert("finish_reason".to_owned(), json!(reason));
        }
        message
    }
}

impl Part {
    fn to_genai(&self) -> Value {
        match self {
            Self::Text(text) => json!({ "type": "text", "content": text }),
            Self::ToolCall { id, name, arguments } => {
                json!({ "type": "tool_call", "id": id, "name": name, "arguments": arguments })
            }
            Self::ToolResponse { id, response } => {
                json!({ "type": "tool_call_response", "id": id, "response": response })
            }
            Self::Other(value) if value.get("type").is_some() => value.clone(),
            Self::Other(value) => json!({ "type": "text", "content": value.to_string() }),
        }
    }
}

/// The pieces that content is made of: a text, or a list of typed blocks.
fn pieces(content: &Value) -> Vec<Part> {
    match content {
        Value::Null => Vec::new(),
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Array(blocks) => blocks.iter().map(piece).collect(),
        block => vec![piece(block)],
    }
}

fn piece(block: &Value) -> Part {
    let (id, name) = (text_of(block, "id"), text_of(block, "name"));
    match block.get("type").and_then(Value::as_str) {
        _ if block.is_string() => Part::Text(block.as_str().unwrap_or_default().to_owned()),
        Some("text" | "input_text" | "output_text") => {
            match text_of(block, "text").or_else(|| text_of(block, "content")) {
                Some(text) => Part::Text(text),
                None => Part::Other(block.clone()),
            }
        }
        Some("tool_use" | "tool_call") => Part::ToolCall {
            id,
            name: name.unwrap_or_default(),
            arguments: block.get("input").or_else(|| block.get("arguments")).cloned().unwrap_or_default(),
        },
        Some("tool_result" | "tool_call_response") => Part::ToolResponse {
            id: text_of(block, "tool_use_id").or(id),
            response: ["content", "response", "result"]
                .iter()
                .find_map(|key| block.get(*key))
                .cloned()
                .unwrap_or_default(),
        },
        _ => Part::Other(block.clone()),
    }
}

/// A tool call as OpenAI writes it; its arguments are JSON in a text.
fn tool_call(call: &Value) -> Part {
    let function = call.get("function").unwrap_or(call);
    let arguments = function.get("arguments").cloned().unwrap_or_default();
    let parsed = arguments.as_str().and_then(|text| serde_json::from_str(text).ok());
    Part::ToolCall {
        id: text_of(call, "id"),
        name: text_of(function, "name").unwrap_or_default(),
        arguments: parsed.unwrap_or(arguments),
    }
}

fn text_of(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(messages: Value) -> Vec<Value> {
        input(&LlmCall::new().messages(messages)).iter().map(Message::to_genai).collect()
    }

    #[test]
    fn messages_of_different_providers_become_the_same_parts() {
        let openai = json!([
            { "role": "assistant", "content": null,
              "tool_calls": [{ "id": "c1", "function": { "name": "look_up", "arguments": "{\"id\":7}" } }] },
            { "role": "tool", "tool_call_id": "c1", "content": "found" },
        ]);
        let anthropic = json!([
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "c1", "name": "look_up", "input": { "id": 7 } }] },
            { "role": "tool", "content": [{ "type": "tool_result", "tool_use_id": "c1", "content": "found" }] },
        ]);
        let wanted = [
            json!({ "role": "assistant",
                "parts": [{ "type": "tool_call", "id": "c1", "name": "look_up", "arguments": { "id": 7 } }] }),
            json!({ "role": "tool", "parts": [{ "type": "tool_call_response", "id": "c1", "response": "found" }] }),
        ];
        assert_eq!(sent(openai), wanted);
        assert_eq!(sent(anthropic), wanted);
    }

    #[test]
    fn what_has_no_shape_is_text() {
        assert_eq!(
            sent(json!("Hello")),
            [json!({ "role": "user", "parts": [{ "type": "text", "content": "Hello" }] })]
        );
        assert_eq!(
            sent(json!({ "prompt": 1 })),
            [json!({ "role": "user", "parts": [{ "type": "text", "content": "{\"prompt\":1}" }] })]
        );
        assert!(sent(Value::Null).is_empty());
    }

    #[test]
    fn choices_carry_why_they_ended() {
        let call = LlmCall::new().response(json!({ "choices": [
            { "message": { "role": "assistant", "content": "Yes." }, "finish_reason": "stop" }
        ]}));
        let [message] = &output(&call)[..] else { panic!("one choice is one message") };
        assert_eq!((message.text().as_deref(), message.finish_reason.as_deref()), (Some("Yes."), Some("stop")));
    }
}
