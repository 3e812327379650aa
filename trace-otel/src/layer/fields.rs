//! The fields of a span or an event, as they are recorded one by one.

use serde_json::Value;
use std::fmt::Debug;
use trace_core::model::Object;
use tracing::field::{Field, Visit};

/// Collects fields; a field recorded again has its last value.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub(super) Object);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    /// Takes a text out.
    pub(super) fn take_text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// Takes a text out that may hold JSON.
    pub(super) fn take_json(&mut self, name: &str) -> Value {
        match self.0.remove(name) {
            Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            other => other.unwrap_or_default(),
        }
    }

    /// Takes a text out that may hold JSON, or, where there is none, another one that is nothing but text.
    pub(super) fn take_json_or_text(&mut self, json: &str, text: &str) -> Value {
        let text = self.take_text(text).map_or(Value::Null, Value::String);
        match self.take_json(json) {
            Value::Null => text,
            json => json,
        }
    }

    /// Makes lists of the texts that stand for lists, because a field of `tracing` cannot be one.
    pub(super) fn parse_lists(&mut self) {
        for name in ["gen_ai.response.finish_reasons", "gen_ai.system_instructions", "gen_ai.tool.definitions"] {
            if let Some(Value::String(text)) = self.0.get(name)
                && let Ok(list @ Value::Array(_)) = serde_json::from_str(text)
            {
                self.0.insert(name.to_owned(), list);
            }
        }
    }

    /// Takes a count out.
    pub(super) fn take_count(&mut self, name: &str) -> Option<u64> {
        match self.0.remove(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Takes a number out.
    pub(super) fn take_number(&mut self, name: &str) -> Option<f64> {
        match self.0.remove(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The text of a field that stays.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, value.to_string());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, trace_core::record::capture::display(&value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, trace_core::record::capture::display(&format_args!("{value:?}")));
    }
}
