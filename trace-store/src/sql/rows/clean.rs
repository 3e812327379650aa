//! Values of a document as a column can hold them. What had to be changed is counted, and so is visible in the row.

use super::super::time;
use super::super::value::Json;
use serde::Serialize;
use std::borrow::Cow;
use trace_core::model::Timestamp;
use trace_core::names::clean_name;

/// Makes values fit, and counts those that did not.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    /// How many values were changed or left out.
    pub(crate) changed: i64,
}

impl Cleaner {
    /// A count; one beyond 64 bits with sign stops at the end of the range.
    pub(crate) fn count(&mut self, count: u64) -> i64 {
        i64::try_from(count).unwrap_or_else(|_| {
            self.changed += 1;
            i64::MAX
        })
    }

    /// A finite number; NaN and the infinities are nothing.
    pub(crate) fn number(&mut self, number: impl Into<Option<f64>>) -> Option<f64> {
        let number = number.into()?;
        if !number.is_finite() {
            self.changed += 1;
        }
        Some(number).filter(|number| number.is_finite())
    }

    /// A moment; one outside of years 1 to 9999 is moved to the nearest end when it is written.
    pub(crate) fn moment(&mut self, moment: Option<Timestamp>) -> Option<Timestamp> {
        if moment.is_some_and(|moment| !time::fits(moment)) {
            self.changed += 1;
        }
        moment
    }

    /// Text of any length.
    pub(crate) fn text<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if text.contains('\0') {
            self.changed += 1;
            Cow::Owned(text.replace('\0', "␀"))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// Text of any length, if there is some.
    pub(crate) fn text_of<'a>(&mut self, text: Option<&'a String>) -> Option<Cow<'a, str>> {
        text.map(|text| self.text(text))
    }

    /// A name as [`clean_name`] makes it: at most 256 bytes, for indexed text must fit on a Postgres index page.
    pub(crate) fn name<'a>(&mut self, name: &'a str) -> Cow<'a, str> {
        let clean = clean_name(name);
        self.changed += i64::from(matches!(clean, Cow::Owned(_)));
        clean
    }

    /// A name, if there is one.
    pub(crate) fn name_of<'a>(&mut self, name: Option<&'a String>) -> Option<Cow<'a, str>> {
        name.map(|name| self.name(name))
    }

    /// Names.
    pub(crate) fn names(&mut self, names: &[String]) -> Vec<String> {
        names.iter().map(|name| self.name(name).into_owned()).collect()
    }

    /// JSON; a NUL inside a text becomes `␀`, which Postgres could not store otherwise.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Json {
        // Only a map with keys that are no text fails, and no document has one.
        let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
        if text.contains("\\u0000") { self.json_without_nul(&text) } else { Json(text) }
    }

    /// JSON, unless there is nothing in it.
    pub(crate) fn json_of(&mut self, value: &serde_json::Value) -> Option<Json> {
        if value.is_null() { None } else { Some(self.json(value)) }
    }

    fn json_without_nul(&mut self, text: &str) -> Json {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            clean.push_str(&rest[..at]);
            rest = &rest[at..];
            // Outside of escapes JSON is free of backslashes, and every escape but \u is one ASCII character long.
            let length = if rest.starts_with("\\u") { 6 } else { 2 };
            let (escape, after) = rest.split_at(length.min(rest.len()));
            if escape == "\\u0000" {
                self.changed += 1;
                clean.push('␀');
            } else {
                clean.push_str(escape);
            }
            rest = after;
        }
        clean.push_str(rest);
        Json(clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nul_goes_out_of_json_and_nothing_else_does() {
        let mut clean = Cleaner::default();
        let value = json!({"a\0": ["x\0y", "\\u0000", "\\\0", "é\u{1}"]});
        let text = clean.json(&value).0;
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            json!({"a␀": ["x␀y", "\\u0000", "\\␀", "é\u{1}"]})
        );
        assert_eq!(clean.changed, 3);
    }

    #[test]
    fn names_stay_apart_when_they_are_cut() {
        let mut clean = Cleaner::default();
        let long = ["a", "b"].map(|end| "é".repeat(300) + end);
        let [a, b] = long.each_ref().map(|name| clean.name(name));
        assert!(a.len() <= 256 && b.len() <= 256 && a != b && clean.changed == 2);
        assert_eq!(clean.name(&"x".repeat(256)), "x".repeat(256));
    }

    #[test]
    fn numbers_that_no_column_holds_are_counted() {
        let mut clean = Cleaner::default();
        assert_eq!(clean.number(f64::NAN), None);
        assert_eq!(clean.number(f64::NEG_INFINITY), None);
        assert_eq!(clean.number(-0.0), Some(-0.0));
        assert_eq!(clean.count(u64::MAX), i64::MAX);
        assert_eq!(clean.changed, 3);
    }
}
