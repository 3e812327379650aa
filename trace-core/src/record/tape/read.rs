//! Bytes of a tape back into values. A tape that nobody wrote like this ends early; it never panics.

use super::{ELLIPSIS, MAX_DEPTH, Tag};
use crate::model::Object;
use serde_json::{Number, Value};

/// The one value on a tape; null when there is none.
pub(crate) fn value(bytes: &[u8]) -> Value {
    Reader::new(bytes).value(0).unwrap_or(Value::Null)
}

/// The keys and values on a tape.
pub(crate) fn entries(bytes: &[u8]) -> Object {
    Reader::new(bytes).entries(0)
}

/// Reads one thing after the other; `None` where the bytes end, or are not what was asked for.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// A byte that is no tag.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// A text.
    pub(crate) fn string(&mut self) -> Option<String> {
        (self.tag()? == Tag::Text).then(|| self.text())?
    }

    /// A float, NaN and infinities as they are.
    pub(crate) fn double(&mut self) -> Option<f64> {
        (self.tag()? == Tag::F64).then(|| self.fixed().map(f64::from_le_bytes))?
    }

    /// A key and its value.
    pub(crate) fn entry(&mut self) -> Option<(String, Value)> {
        let key = self.value(0)?;
        Some((key_text(key), self.value(0)?))
    }

    /// The next value; `None` at the end of a sequence or map, or of the tape.
    fn value(&mut self, depth: usize) -> Option<Value> {
        Some(match self.tag()? {
            Tag::Null => Value::Null,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::I64 => Value::from(i64::from_le_bytes(self.fixed()?)),
            Tag::U64 => Value::from(u64::from_le_bytes(self.fixed()?)),
            Tag::F64 => float(f64::from_le_bytes(self.fixed()?)),
            Tag::F32 => single(f32::from_le_bytes(self.fixed()?)),
            Tag::Text => Value::String(self.text()?),
            Tag::Integer => integer(self.text()?),
            Tag::Json => json(self.text()?, depth),
            Tag::Seq => self.sequence(depth),
            Tag::Map => Value::Object(self.inside(depth, |reader| reader.entries(depth + 1))?),
            Tag::End => return None,
        })
    }

    fn sequence(&mut self, depth: usize) -> Value {
        let items = self.inside(depth, |reader| {
            let mut items = Vec::new();
            while let Some(item) = reader.value(depth + 1) {
                items.push(item);
            }
            items
        });
        Value::Array(items.unwrap_or_default())
    }

    fn entries(&mut self, depth: usize) -> Object {
        let mut entries = Object::new();
        while let Some(key) = self.value(depth) {
            let Some(value) = self.value(depth) else { break };
            entries.insert(key_text(key), value);
        }
        entries
    }

    /// What writers keep to: values do not nest without limit. A tape that does is not ours and ends here.
    fn inside<T>(&mut self, depth: usize, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if depth > MAX_DEPTH {
            self.rest = &[];
            return None;
        }
        Some(read(self))
    }

    fn tag(&mut self) -> Option<Tag> {
        Tag::from_byte(self.byte()?)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn text(&mut self) -> Option<String> {
        let len = u32::from_le_bytes(self.fixed()?) as usize;
        let (text, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

fn key_text(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn float(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("NaN"),
        None if value > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// A single-precision float with the digits it is printed with: 0.1, not 0.10000000149011612.
fn single(value: f32) -> Value {
    let shortest = value.to_string().parse().unwrap_or_else(|_| f64::from(value));
    float(if value.is_finite() { shortest } else { f64::from(value) })
}

/// An integer as a number where JSON numbers hold it, else as text.
fn integer(text: String) -> Value {
    if let Ok(value) = text.parse::<u64>() {
        return value.into();
    }
    text.parse::<i64>().map_or(Value::String(text), Value::from)
}

fn json(text: String, depth: usize) -> Value {
    match serde_json::from_slice(text.as_bytes()) {
        Ok(value) => limited(value, depth),
        Err(_) => Value::String(text),
    }
}

/// Parsed JSON, cut where it nests too deep.
fn limited(value: Value, depth: usize) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => Value::from(ELLIPSIS),
        Value::Array(items) => items.into_iter().map(|item| limited(item, depth + 1)).collect(),
        Value::Object(mut entries) => {
            entries.values_mut().for_each(|value| *value = limited(value.take(), depth + 1));
            Value::Object(entries)
        }
        other => other,
    }
}
