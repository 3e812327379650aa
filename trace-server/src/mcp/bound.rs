//! Answers of bounded size: long texts and lists are cut, and every cut says what is missing.
//!
//! An assistant pays for each byte it reads, and a trace may hold megabytes. A cut text stays a text and a cut list a list, so a cut
//! answer still fits its schema.

use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// The most bytes of JSON that an answer has.
pub const MAX_ANSWER: usize = 48 * 1024;

/// Rounds of cutting: the bytes of a text and the items of a list that are left.
const ROUNDS: [(usize, usize); 7] = [(8_000, 400), (4_000, 200), (1_500, 80), (600, 40), (250, 20), (120, 10), (60, 3)];

/// Further rounds for a value without a schema: how many levels of it are left.
const DEPTHS: [usize; 5] = [6, 5, 4, 3, 2];

/// Something that was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct Cut {
    /// Where, as a JSON pointer into the whole document: ask `trace_get` with it for the rest.
    pub(crate) pointer: String,
    /// What: `text` (counted in bytes), `list` (in items) or `object` (in fields).
    pub(crate) what: &'static str,
    /// How much of it is shown.
    pub(crate) shown: usize,
    /// How much there is.
    pub(crate) of: usize,
}

/// How many cuts an answer names; there may be more.
const NAMED: usize = 50;

/// Cuts a value until its JSON has at most `bytes` bytes; `None` when that cannot be reached. The cuts are named below `pointer`.
pub(crate) fn fit(value: &Value, bytes: usize, pointer: &str) -> Option<(Value, Vec<Cut>)> {
    if size(value) <= bytes {
        return Some((value.clone(), Vec::new()));
    }
    ROUNDS.iter().find_map(|(text, items)| {
        let limits = Limits { text: *text, items: *items, depth: usize::MAX };
        fit_within(value, limits, bytes, pointer)
    })
}

/// As [`fit`], for a value without a schema: fields without a value are left out, and then whatever lies deepest.
pub(crate) fn fit_free(value: &Value, bytes: usize, pointer: &str) -> Option<(Value, Vec<Cut>)> {
    if size(value) <= bytes {
        return Some((value.clone(), Vec::new()));
    }
    let value = &without_empty(value);
    let deep = || {
        let (text, items) = ROUNDS[ROUNDS.len() - 3];
        DEPTHS.iter().find_map(|depth| fit_within(value, Limits { text, items, depth: *depth }, bytes, pointer))
    };
    fit_some(value, bytes, pointer).or_else(deep)
}

/// The gentle rounds: beyond them, an outline says more than shreds of everything.
fn fit_some(value: &Value, bytes: usize, pointer: &str) -> Option<(Value, Vec<Cut>)> {
    let gentle = &ROUNDS[..ROUNDS.len() - 2];
    gentle.iter().find_map(|(text, items)| {
        fit_within(value, Limits { text: *text, items: *items, depth: usize::MAX }, bytes, pointer)
    })
}

/// What is left in one round.
#[derive(Clone, Copy)]
struct Limits {
    text: usize,
    items: usize,
    depth: usize,
}

fn fit_within(value: &Value, limits: Limits, bytes: usize, pointer: &str) -> Option<(Value, Vec<Cut>)> {
    let mut cuts = Vec::new();
    let smaller = cut(value, limits, &mut pointer.to_owned(), &mut cuts);
    (size(&smaller) <= bytes).then_some((smaller, cuts))
}

/// The value without fields that are null or empty.
fn without_empty(value: &Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Array(list) => Value::Array(list.iter().map(without_empty).collect()),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, field)| !is_empty(field));
            Value::Object(kept.map(|(key, field)| (key.clone(), without_empty(field))).collect())
        }
        other => other.clone(),
    }
}

/// The bytes of a value's JSON, without making it.
pub(crate) fn size(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // A counter takes everything; what cannot be JSON counts as too large.
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX, |()| counter.0)
}

fn cut(value: &Value, limits: Limits, pointer: &mut String, cuts: &mut Vec<Cut>) -> Value {
    let length = pointer.len();
    let deeper = Limits { depth: limits.depth.saturating_sub(1), ..limits };
    match value {
        Value::String(whole) if whole.len() > limits.text + 64 => {
            let head = trace_core::text::head(whole, limits.text);
            note(cuts, pointer, "text", head.len(), whole.len());
            Value::String(format!("{head}… [{} more bytes]", whole.len() - head.len()))
        }
        Value::Array(list) if limits.depth == 0 && !list.is_empty() => {
            note(cuts, pointer, "list", 0, list.len());
            Value::String(format!("[a list of {} items]", list.len()))
        }
        Value::Object(fields) if limits.depth == 0 && !fields.is_empty() => {
            note(cuts, pointer, "object", 0, fields.len());
            Value::String(format!("[an object of {} fields]", fields.len()))
        }
        Value::Array(list) => {
            if list.len() > limits.items {
                note(cuts, pointer, "list", limits.items, list.len());
            }
            let shown = list.iter().take(limits.items).enumerate().map(|(index, item)| {
                let _ = write!(pointer, "/{index}"); // writing to a string cannot fail
                let item = cut(item, deeper, pointer, cuts);
                pointer.truncate(length);
                item
            });
            Value::Array(shown.collect())
        }
        Value::Object(fields) => {
            let shown = fields.iter().map(|(key, field)| {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                let field = cut(field, deeper, pointer, cuts);
                pointer.truncate(length);
                (key.clone(), field)
            });
            Value::Object(shown.collect())
        }
        other => other.clone(),
    }
}

fn note(cuts: &mut Vec<Cut>, pointer: &str, what: &'static str, shown: usize, of: usize) {
    if cuts.len() < NAMED {
        cuts.push(Cut { pointer: pointer.to_owned(), what, shown, of });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_is_whole() {
        let value = json!({"a": "x".repeat(100), "b": [1, 2, 3]});
        assert_eq!(fit(&value, 1_000, ""), Some((value.clone(), Vec::new())));
        assert_eq!(size(&value), value.to_string().len());
    }

    #[test]
    fn cuts_are_named_by_pointers_that_lead_to_the_rest() {
        let value = json!({"a/b": {"~": "é".repeat(50_000)}, "list": vec!["x".repeat(300); 1_000]});
        let (smaller, cuts) = fit(&value, 20_000, "").unwrap();
        assert!(size(&smaller) <= 20_000);
        let text = cuts.iter().find(|cut| cut.pointer == "/a~1b/~0").unwrap();
        assert_eq!((text.what, text.of), ("text", 100_000));
        assert_eq!(value.pointer(&text.pointer).unwrap().as_str().unwrap().len(), text.of);
        assert!(cuts.iter().any(|cut| cut.pointer == "/list" && cut.of == 1_000));
    }

    #[test]
    fn what_cannot_be_made_to_fit_is_refused() {
        let wide: serde_json::Map<String, Value> = (0..10_000).map(|n| (n.to_string(), json!(n))).collect();
        assert_eq!(fit(&Value::Object(wide), 10_000, ""), None);
    }
}
