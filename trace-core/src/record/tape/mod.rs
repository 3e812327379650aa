//! The tape: captured values as bytes.
//!
//! Comes in: values at a call site, through `serde` ([`Tape::serialize`]) or by hand. Goes out: [`serde_json::Value`]s, made by the
//! collector. Writing a tag and raw bytes costs the caller less than formatting numbers and escaping text; NaN and infinities survive the
//! way; a large text is copied once.
//!
//! The format: one tag byte, then what it says. Integers and floats are little-endian, texts carry a `u32` length. A sequence is
//! its items and `End`; a map is keys and values in turn, then `End`; a key is a value of any kind and becomes text when
//! it is read. A tape is a process's own affair and never leaves its memory.

mod read;
mod serialize;

pub(crate) use read::{Reader, entries, value};
pub use serialize::NotWritten;

use crate::context::local;
use crate::model::Object;
use serde::Serialize;
use serde_json::Value;
use std::fmt::{Display, Write as _};

/// How deep captured values may nest; what lies deeper becomes `…`. The event that holds them is read back by `serde_json`, which stops at 128
/// levels: some are left for the event itself.
pub const MAX_DEPTH: usize = 112;

/// How many bytes one value with an inside may take. Only a value that nobody could look at is longer; a single text may be.
pub const MAX_VALUE: usize = 64 << 20;

/// Bytes of the first allocation.
const FIRST_ROOM: usize = 256;

/// Most bytes of memory that a thread keeps for its next tape.
const SPARE_ROOM: usize = 64 << 10;

/// What stands in place of what was cut.
pub(crate) const ELLIPSIS: &str = "…";

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Null,
    False,
    True,
    I64,
    U64,
    F64,
    /// Kept apart from `F64`, for 0.1 to stay 0.1.
    F32,
    Text,
    /// The text of an integer outside of 64 bits.
    Integer,
    /// JSON that is parsed when it is read: `serde_json`'s raw values and long numbers.
    Json,
    Seq,
    Map,
    End,
}

impl Tag {
    const ALL: [Self; 13] = [
        Self::Null,
        Self::False,
        Self::True,
        Self::I64,
        Self::U64,
        Self::F64,
        Self::F32,
        Self::Text,
        Self::Integer,
        Self::Json,
        Self::Seq,
        Self::Map,
        Self::End,
    ];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// Captured values as bytes: one value, or the keys and values of a map without its frame.
///
/// ```
/// use trace_core::record::tape::Tape;
/// let mut tape = Tape::default();
/// tape.serialize(&("exa", 0.5)).unwrap();
/// assert_eq!(tape.into_value(), serde_json::json!(["exa", 0.5]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tape {
    bytes: Vec<u8>,
}

impl Tape {
    /// How many bytes are written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets what is written and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Forgets what was written after it was `len` bytes long.
    pub fn rewind(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.tag(Tag::Null);
    }

    /// Writes a truth value.
    pub fn bool(&mut self, value: bool) {
        self.tag(if value { Tag::True } else { Tag::False });
    }

    /// Writes a signed integer.
    pub fn i64(&mut self, value: i64) {
        self.fixed(Tag::I64, &value.to_le_bytes());
    }

    /// Writes an unsigned integer.
    pub fn u64(&mut self, value: u64) {
        self.fixed(Tag::U64, &value.to_le_bytes());
    }

    /// Writes an integer of any size.
    pub fn integer(&mut self, value: impl Display) {
        self.formatted(Tag::Integer, &value);
    }

    /// Writes a float; NaN and infinities are kept.
    pub fn f64(&mut self, value: f64) {
        self.fixed(Tag::F64, &value.to_le_bytes());
    }

    /// Writes a float of single precision, which is read with the digits it is printed with.
    pub fn f32(&mut self, value: f32) {
        self.fixed(Tag::F32, &value.to_le_bytes());
    }

    /// Writes a text, copied as it is.
    pub fn str(&mut self, value: &str) {
        let value = cut(value, u32::MAX as usize);
        self.reserve(5 + value.len());
        let [a, b, c, d] = length(value.len());
        self.bytes.extend_from_slice(&[Tag::Text as u8, a, b, c, d]);
        self.bytes.extend_from_slice(value.as_bytes());
    }

    /// Writes the text that a value prints, without a copy in between.
    pub fn display(&mut self, value: impl Display) {
        self.formatted(Tag::Text, &value);
    }

    /// Begins a sequence: values follow, then [`Tape::end`].
    pub fn seq(&mut self) {
        self.tag(Tag::Seq);
    }

    /// Begins a map: keys and values follow in turn, then [`Tape::end`].
    pub fn map(&mut self) {
        self.tag(Tag::Map);
    }

    /// Writes a key of a map; its value comes next.
    pub fn key(&mut self, name: &str) {
        self.str(name);
    }

    /// Ends a sequence or a map.
    pub fn end(&mut self) {
        self.tag(Tag::End);
    }

    /// Writes a value, whatever its shape: bytes become text when they are UTF-8, map keys of any kind become text, what nests deeper
    /// than [`MAX_DEPTH`] becomes `…`.
    ///
    /// # Errors
    /// When the value's own `Serialize` reports an error, or when it takes more than [`MAX_VALUE`] bytes. The tape then holds what
    /// was written so far; see [`Tape::rewind`].
    pub fn serialize<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        serialize::write(self, value)
    }

    /// The value on the tape; null for an empty tape. NaN and infinities become the texts `NaN`, `Infinity` and `-Infinity`.
    #[must_use]
    pub fn into_value(self) -> Value {
        read::value(&self.bytes)
    }

    /// The keys and values on the tape as an object; of a doubled key the last value counts.
    #[must_use]
    pub fn into_object(self) -> Object {
        read::entries(&self.bytes)
    }

    /// The bytes written so far.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn tag(&mut self, tag: Tag) {
        self.byte(tag as u8);
    }

    /// Writes a byte that means something to whoever reads it.
    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.reserve(1);
        self.bytes.push(byte);
    }

    /// The bytes written, or the others when there are none.
    pub(crate) fn or<'a>(&'a self, others: &'a [u8]) -> &'a [u8] {
        if self.is_empty() { others } else { &self.bytes }
    }

    /// Gives the memory to the next tape of this thread.
    pub(crate) fn recycle(mut self) {
        if self.bytes.capacity() <= SPARE_ROOM {
            self.bytes.clear();
            local::with(|local| local.spare.set(self.bytes));
        }
    }

    #[inline]
    fn reserve(&mut self, bytes: usize) {
        if self.bytes.capacity() == 0 {
            self.first_room();
        }
        self.bytes.reserve(bytes);
    }

    /// Memory to begin with: that of this thread's last tape, or as much as a few short values take. Growing from nothing would allocate for
    /// nearly each of them.
    #[inline(never)]
    fn first_room(&mut self) {
        self.bytes = local::with(|local| local.spare.take()).unwrap_or_default();
        self.bytes.reserve(FIRST_ROOM);
    }

    fn fixed<const N: usize>(&mut self, tag: Tag, bytes: &[u8; N]) {
        self.reserve(1 + N);
        self.bytes.push(tag as u8);
        self.bytes.extend_from_slice(bytes);
    }

    fn formatted(&mut self, tag: Tag, value: &dyn Display) {
        /// Text that goes to the end of the bytes. One that never ends is stopped.
        struct Tail<'a>(&'a mut Vec<u8>, usize);

        impl std::fmt::Write for Tail<'_> {
            fn write_str(&mut self, text: &str) -> std::fmt::Result {
                self.0.extend_from_slice(text.as_bytes());
                if self.0.len() < self.1 { Ok(()) } else { Err(std::fmt::Error) }
            }
        }

        self.tag(tag);
        let start = self.bytes.len() + 4;
        self.bytes.extend_from_slice(&[0; 4]);
        // A `Display` that gives up has printed what there is to see.
        let limit = start.saturating_add(MAX_VALUE);
        let _ = write!(Tail(&mut self.bytes, limit), "{value}");
        let written = (self.bytes.len() - start).min(u32::MAX as usize);
        self.bytes.truncate(start + written);
        self.bytes[start - 4..start].copy_from_slice(&length(written));
    }

    /// Turns the text written at `at` into JSON to be parsed.
    fn text_is_json(&mut self, at: usize) {
        if let Some(tag) = self.bytes.get_mut(at).filter(|tag| **tag == Tag::Text as u8) {
            *tag = Tag::Json as u8;
        }
    }
}

/// A length as it is written; it is at most `u32::MAX`.
fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

/// The beginning of a text, at most `max` bytes long.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests;
