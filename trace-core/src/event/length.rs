//! How long the texts of a model call are, in characters.

use crate::text::{Clipped, Withheld};
use serde_json::Value;

/// The characters of the text in a message, a list of messages or a response; JSON that is neither counts as written.
pub(super) fn characters(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::String(text) => of_text(text),
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(message) => match message.get("content").or_else(|| message.get("text")) {
            Some(content) => characters(content),
            None => value.to_string().chars().count() as u64,
        },
        Value::Bool(_) | Value::Number(_) => value.to_string().len() as u64,
    }
}

/// The characters of a text. Of one that was cut or left out only the bytes are known, and those of the whole text are given.
fn of_text(text: &str) -> u64 {
    let whole = Clipped::parse(text).map(|clipped| clipped.bytes);
    let whole = whole.or_else(|| Withheld::parse(text).map(|withheld| withheld.bytes));
    whole.unwrap_or_else(|| text.chars().count() as u64)
}
