//! Large values.
//!
//! Comes in: a redacted value and how large it may be. Goes out: a value that is about that large at most. Its longest texts are cut first, so
//! that its structure and its short texts stay; one that is large without long texts (a list of a million numbers) becomes the
//! head of its JSON.

use crate::text::clip;
use serde_json::Value;

/// What the notation of a cut takes, about.
const MARKER: usize = 128;

/// Texts are not cut shorter than this; where that would be needed, the whole value is cut.
const SHORTEST_HEAD: usize = 1024;

/// Bounds a value of about `bytes` bytes to about `max`.
pub(super) fn fit(value: &mut Value, bytes: usize, max: usize) {
    if let Value::String(text) = value {
        return clip(text, max);
    }
    if bytes <= max {
        return;
    }
    let mut lengths = Vec::new();
    each_text(value, &mut |text| lengths.push(text.len()));
    let structure = bytes.saturating_sub(lengths.iter().sum());
    match level(&mut lengths, max.saturating_sub(structure)) {
        Some(level) => each_text(value, &mut |text| {
            if text.len() > level + MARKER {
                clip(text, level);
            }
        }),
        None => {
            let mut json = value.to_string();
            clip(&mut json, max);
            super::json::replace(value, &json);
        }
    }
}

/// The length to which texts are cut, so that all together take `budget`; the shorter ones stay whole.
fn level(lengths: &mut [usize], mut budget: usize) -> Option<usize> {
    lengths.sort_unstable();
    for (index, &length) in lengths.iter().enumerate() {
        let share = budget / (lengths.len() - index);
        if length > share {
            return share.checked_sub(MARKER).filter(|&level| level >= SHORTEST_HEAD);
        }
        budget -= length;
    }
    None
}

/// Calls `on` for every text in a value of bounded depth.
fn each_text(value: &mut Value, on: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => on(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, on)),
        Value::Object(map) => map.values_mut().for_each(|item| each_text(item, on)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Clipped;
    use serde_json::json;

    const MAX: usize = 10_000;

    fn fitted(mut value: Value) -> Value {
        let bytes = value.to_string().len();
        fit(&mut value, bytes, MAX);
        let again = value.clone();
        let bytes = value.to_string().len();
        fit(&mut value, bytes, MAX);
        assert_eq!(value, again, "fitting twice is fitting once");
        value
    }

    #[test]
    fn the_longest_texts_are_cut_and_the_structure_stays() {
        let value = fitted(json!([
            { "role": "system", "content": "short" },
            { "role": "user", "content": "a".repeat(50_000) },
            { "role": "user", "content": "b".repeat(4_000) },
            { "role": "user", "content": "c".repeat(60_000) },
        ]));
        assert_eq!(value[0]["content"], "short");
        for (index, full) in [(1, 50_000), (3, 60_000)] {
            assert_eq!(Clipped::parse(value[index]["content"].as_str().unwrap()).unwrap().bytes, full);
        }
        assert!(value.to_string().len() <= MAX, "{}", value.to_string().len());
    }

    #[test]
    fn what_is_large_without_long_texts_becomes_the_head_of_its_json() {
        let numbers: Vec<u32> = (0..100_000).collect();
        let value = fitted(json!({ "vector": numbers }));
        let clipped = Clipped::parse(value.as_str().unwrap()).unwrap();
        assert!(clipped.head.starts_with(r#"{"vector":[0,1,2,"#));
        assert_eq!(clipped.head.len(), MAX);
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let value = json!({ "a": ["b", 1, null] });
        assert_eq!(fitted(value.clone()), value);
    }
}
