//! Attributes on their way into a span: each key once, the first value stands, nothing that says nothing.

use indexmap::IndexMap;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use serde_json::Value;

/// The attributes of a span, an event or a resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes(IndexMap<String, Any>);

impl Attributes {
    fn set(&mut self, key: impl Into<String>, value: Any) {
        self.0.entry(key.into()).or_insert(value);
    }

    pub(crate) fn text(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.set(key, Any::StringValue(value.into()));
    }

    /// The text, if there is one.
    pub(crate) fn maybe(&mut self, key: impl Into<String>, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.text(key, value);
        }
    }

    pub(crate) fn int(&mut self, key: impl Into<String>, value: impl TryInto<i64>) {
        self.set(key, Any::IntValue(value.try_into().unwrap_or(i64::MAX)));
    }

    /// A number; one that JSON cannot write is left out, for OTLP/JSON would make it null.
    pub(crate) fn double(&mut self, key: impl Into<String>, value: f64) {
        if value.is_finite() {
            self.set(key, Any::DoubleValue(value));
        }
    }

    pub(crate) fn bool(&mut self, key: impl Into<String>, value: bool) {
        self.set(key, Any::BoolValue(value));
    }

    /// A list of texts, if there are any.
    pub(crate) fn texts(&mut self, key: impl Into<String>, values: impl IntoIterator<Item = impl Into<String>>) {
        let any = |value| AnyValue { value: Some(Any::StringValue(value)) };
        let values: Vec<AnyValue> = values.into_iter().map(Into::into).map(any).collect();
        if !values.is_empty() {
            self.set(key, Any::ArrayValue(ArrayValue { values }));
        }
    }

    /// A captured value in the nearest type of OTLP; lists and objects as JSON text, which every backend shows.
    pub(crate) fn value(&mut self, key: impl Into<String>, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(value) => self.bool(key, *value),
            Value::String(value) => self.text(key, value.as_str()),
            Value::Number(number) => match number.as_i64() {
                Some(number) => self.int(key, number),
                None => self.double(key, number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::Array(_) | Value::Object(_) => self.json(key, value),
        }
    }

    /// A captured value as JSON text, if there is one.
    pub(crate) fn json(&mut self, key: impl Into<String>, value: &Value) {
        if !is_empty(value) {
            self.text(key, value.to_string());
        }
    }

    pub(crate) fn into_list(self) -> Vec<KeyValue> {
        let pair = |(key, value)| KeyValue { key, value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() };
        self.0.into_iter().map(pair).collect()
    }
}

/// Whether a captured value says nothing.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
