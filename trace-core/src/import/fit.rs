//! Makes the members of a JSON object fit the types they are read as, without losing what does not.

use crate::model::{Object, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Makes the member `key` fit `T`.
///
/// A `null` is taken out: it stands for the field's default. A value in another notation (`"0.9"` for 0.9, seconds since 1970 for
/// a time) is rewritten. One that fits in no way, or only by losing something, is kept as `<key>_imported`.
pub(super) fn fit<T: DeserializeOwned + Serialize>(object: &mut Object, key: &str) {
    fit_where(object, key, fits::<T>);
}

fn fit_where(object: &mut Object, key: &str, fits: fn(&Value) -> bool) {
    let Some(value) = object.remove(key).filter(|value| !value.is_null()) else { return };
    match notations(&value).into_iter().find(fits) {
        Some(value) => {
            object.insert(key.to_owned(), value);
        }
        None => keep(object, key, value),
    }
}

/// Keeps a value under a name that no field has.
pub(super) fn keep(object: &mut Object, key: &str, value: Value) {
    object.insert(format!("{key}_imported"), value);
}

/// Makes the member `key` a list of objects, each shaped by `shape`. A text in it stands for an object whose `text_key` it is.
pub(super) fn fit_list(object: &mut Object, key: &str, text_key: &str, shape: fn(&mut Object)) {
    let items = match object.remove(key) {
        None | Some(Value::Null) => return,
        Some(Value::Array(items)) => items,
        Some(other) => return keep(object, key, other),
    };
    let (mut fitting, mut others) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Value::Object(mut item) => {
                shape(&mut item);
                fitting.push(Value::Object(item));
            }
            Value::String(text) => fitting.push(json!({ text_key: text })),
            Value::Null => {}
            other => others.push(other),
        }
    }
    if !others.is_empty() {
        keep(object, key, Value::Array(others));
    }
    object.insert(key.to_owned(), Value::Array(fitting));
}

/// Gives the member `from` the name `to`, unless there is something under that name.
pub(super) fn rename(object: &mut Object, from: &str, to: &str) {
    if object.get(to).is_none_or(Value::is_null)
        && let Some(value) = object.remove(from)
    {
        object.insert(to.to_owned(), value);
    }
}

/// The ways to write a value that may be meant by it, the value itself first.
fn notations(value: &Value) -> Vec<Value> {
    let mut notations = vec![value.clone()];
    match value {
        Value::String(text) => {
            notations.extend(text.parse::<i64>().map(Value::from));
            notations.extend(text.parse::<f64>().map(Value::from));
            notations.extend(text.to_lowercase().parse::<bool>().map(Value::from));
            notations.push(Value::String(text.to_lowercase()));
            notations.push(json!([text]));
        }
        Value::Number(number) => {
            notations.extend(number.as_f64().and_then(whole));
            notations.push(Value::String(number.to_string()));
            notations.extend(number.as_f64().map(|seconds| json!(since_epoch(seconds))));
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => notations.push(Value::String(value.to_string())),
        Value::Null => {}
    }
    notations
}

/// A float that stands for an integer, as one.
fn whole(number: f64) -> Option<Value> {
    #[allow(clippy::cast_possible_truncation)] // only integers below 2^53 pass
    (number.fract() == 0.0 && number.abs() < 9e15).then(|| Value::from(number as i64))
}

fn since_epoch(seconds: f64) -> Timestamp {
    #[allow(clippy::cast_possible_truncation)] // saturates; microseconds are what a float of this size holds
    Timestamp::from_nanos((seconds * 1e6).round() as i128 * 1_000)
}

fn fits<T: DeserializeOwned + Serialize>(value: &Value) -> bool {
    let read = serde_json::from_value::<T>(value.clone());
    let written = read.and_then(serde_json::to_value);
    written.is_ok_and(|written| keeps(value, &written))
}

/// Whether everything in `value` is still there in `written`.
fn keeps(value: &Value, written: &Value) -> bool {
    match (value, written) {
        (Value::Null, _) => true,
        (Value::Object(value), Value::Object(written)) => value
            .iter()
            .all(|(key, member)| member.is_null() || written.get(key).is_some_and(|written| keeps(member, written))),
        (Value::Array(value), Value::Array(written)) => {
            value.len() == written.len() && value.iter().zip(written).all(|(value, written)| keeps(value, written))
        }
        (Value::Object(_) | Value::Array(_), _) => false,
        (_, written) => !written.is_null(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, PromptLink, TokenUsage};

    fn fitted<T: DeserializeOwned + Serialize>(value: Value) -> Value {
        let mut object = Object::from_iter([("k".to_owned(), value)]);
        fit::<T>(&mut object, "k");
        Value::Object(object)
    }

    #[test]
    fn other_notations_are_rewritten() {
        assert_eq!(fitted::<f64>(json!("0.9")), json!({"k": 0.9}));
        assert_eq!(fitted::<u64>(json!(120.0)), json!({"k": 120}));
        assert_eq!(fitted::<String>(json!(7)), json!({"k": "7"}));
        assert_eq!(fitted::<Outcome>(json!("OK")), json!({"k": "ok"}));
        assert_eq!(fitted::<Timestamp>(json!(1_770_993_022.5)), json!({"k": "2026-02-13T14:30:22.5Z"}));
        assert_eq!(fitted::<bool>(json!("True")), json!({"k": true}));
        assert_eq!(fitted::<Vec<String>>(json!("META-12")), json!({"k": ["META-12"]}));
        assert_eq!(fitted::<Vec<String>>(json!(null)), json!({}));
    }

    #[test]
    fn what_does_not_fit_is_kept_beside() {
        assert_eq!(fitted::<u64>(json!("many")), json!({"k_imported": "many"}));
        assert_eq!(fitted::<Vec<PromptLink>>(json!([{"text": "t"}])), json!({"k_imported": [{"text": "t"}]}));
        assert_eq!(
            fitted::<TokenUsage>(json!({"input_tokens": 1, "cached": 2})),
            json!({"k_imported": {"input_tokens": 1, "cached": 2}})
        );
    }
}
