//! Values, as configured: kept within the limit, or withheld.
//!
//! With content off, of what a user gave only lengths and hashes are left. Three kinds of values are told apart:
//!
//! - content (arguments, results, messages, responses, variables): each member becomes one mark;
//! - measures (attributes, parameters, fields of the run, checks): texts become marks; numbers, yes or no and the structure stay;
//! - labels (names, tags): stay.

use super::path::Path;
use super::{Redactor, json, limit};
use crate::model::Object;
use crate::text::{Withheld, withheld};
use serde_json::Value;

impl Redactor {
    /// A value that a user gave.
    pub(super) fn user_value(&self, path: &Path<'_>, value: &mut Value) {
        let bytes = self.walk(path, value);
        if self.content { limit::fit(value, bytes, self.max_value_bytes) } else { withhold(value) }
    }

    /// The arguments or results of a call: the members of an object, each a value of its own, or one value.
    pub(super) fn content(&self, field: &str, value: &mut Value) {
        match value {
            Value::Object(members) => self.members(field, members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                self.user_value(&Path::Root(field), value);
            }
        }
    }

    /// An object that a user gave, each member a value of its own.
    pub(super) fn members(&self, field: &str, members: &mut Object) {
        self.walk_members(&Path::Root(field), members, |path, value| self.user_value(path, value));
    }

    /// An object of which numbers, yes or no and structure are kept even when content is off.
    pub(super) fn measures(&self, field: &str, members: &mut Object) {
        self.walk_members(&Path::Root(field), members, |path, value| {
            let bytes = self.walk(path, value);
            if !self.content {
                withhold_texts(value);
            }
            limit::fit(value, bytes, self.max_value_bytes);
        });
    }

    /// The messages of a model call; with content off, how many there were and who spoke stays.
    pub(super) fn messages(&self, messages: &mut Value) {
        if self.content {
            return self.user_value(&Path::Root("messages"), messages);
        }
        self.walk(&Path::Root("messages"), messages);
        let Value::Array(list) = messages else { return withhold(messages) };
        for message in list {
            match message {
                Value::Object(fields) => {
                    fields
                        .iter_mut()
                        .filter(|(key, value)| !is_role(key, value))
                        .for_each(|(_, value)| withhold(value));
                }
                other => withhold(other),
            }
        }
    }
}

/// Whether this says who speaks: `"role": "assistant"`.
fn is_role(key: &str, value: &Value) -> bool {
    let is_word = |text: &str| text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    key == "role" && value.as_str().is_some_and(is_word)
}

/// Leaves length and hash of a value: of a text as it is, of anything else as JSON.
fn withhold(value: &mut Value) {
    let mark = match &*value {
        Value::Null => return,
        Value::String(text) if Withheld::parse(text).is_some() => return,
        Value::String(text) => withheld(text),
        other => withheld(&other.to_string()),
    };
    json::replace(value, &mark);
}

/// Leaves lengths and hashes of the texts in a value.
fn withhold_texts(value: &mut Value) {
    match value {
        Value::String(_) => withhold(value),
        Value::Array(items) => items.iter_mut().for_each(withhold_texts),
        Value::Object(map) => map.values_mut().for_each(withhold_texts),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
