//! Named values inside text: `name: value`, `name=value`, `"name": "value"` and their kin.
//!
//! Comes in: text of any kind (logs, headers, URLs, JSON in text, environments, YAML, `Debug` output, command lines, XML). Goes out: the
//! places of the values whose names are those of secrets ([`FieldNames`]).
//!
//! The scan runs from separator to separator, reads the name backwards (at most some 70 bytes) and, only for the name of a secret,
//! the value forwards ([`value`]). What was taken as a value is not scanned again, so the whole is linear in the text.

use super::field_name::{FieldNames, is_weak};
use super::span::{Span, run_end, run_start};
use super::value::{self, Opening};
use memchr::memchr3_iter;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The longest name that is read, in bytes.
const NAME_MAX: usize = 64;

/// A name that stands before a separator.
#[derive(Debug)]
pub(super) struct Name<'a> {
    /// The word before the name, which belongs to names written with spaces.
    before: &'a str,
    text: &'a str,
    /// Where the name begins.
    start: usize,
    /// The quote that begins before the name.
    pub(super) opened: Option<Opening>,
    /// Whether a quote ends after it, so that the name alone is quoted.
    pub(super) closed: bool,
}

impl<'a> Name<'a> {
    /// Reads backwards from the separator at `at`.
    fn before(text: &'a str, at: usize) -> Option<Self> {
        let bytes = text.as_bytes();
        let spaced = run_start(bytes, at, 4, |byte| byte == b' ' || byte == b'\t');
        let end = run_start(bytes, spaced, 8, |byte| b"\"'`\\*])?".contains(&byte));
        let mut start = run_start(bytes, end, NAME_MAX, is_name_byte);
        if start == end {
            return None;
        }
        let closed = bytes[end..spaced].iter().any(|byte| b"\"'`".contains(byte));
        let opened = Opening::ending_at(bytes, start);
        if opened.is_none() && start > 0 && bytes[start - 1] == b'\\' {
            start += escape_len(&bytes[start..end]);
        }
        let word_end = run_start(bytes, start, 1, |byte| byte == b' ');
        let word = run_start(bytes, word_end, 32, |byte| byte.is_ascii_alphanumeric());
        let before = if word_end < start && !closed { &text[word..word_end] } else { "" };
        Some(Self { before, text: &text[start..end], start, opened, closed })
    }

    fn is_secret(&self, names: &FieldNames) -> bool {
        names.is_secret_in_text(self.before, self.text)
    }

    /// Whether the name is only a claim that a credential follows.
    pub(super) fn is_weak(&self) -> bool {
        is_weak(self.before, self.text)
    }

    /// Whether it is that of a header whose value is the whole line.
    pub(super) fn is_header(&self) -> bool {
        let ends_with = |end: &str| {
            let bytes = self.text.as_bytes();
            bytes.len() >= end.len() && bytes[bytes.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        };
        ends_with("authorization") || ends_with("cookie")
    }

    /// Whether the working directory is meant: `PWD=/home/me`.
    pub(super) fn is_directory(&self) -> bool {
        self.text.eq_ignore_ascii_case("pwd") || self.text == "OLDPWD"
    }

    /// The start of the line, when nothing but indentation, bullets and the like stand before the name.
    pub(super) fn line_start(&self, bytes: &[u8]) -> Option<usize> {
        let line = run_start(bytes, self.start, 64, |byte| byte != b'\n');
        let lead = bytes[line..self.start].trim_ascii();
        let lead = lead.strip_prefix(b"export").unwrap_or(lead);
        let is_start = line == 0 || bytes[line - 1] == b'\n' || bytes[..self.start].ends_with(b"\\n");
        (is_start && lead.iter().all(|byte| b" -*#>+|".contains(byte)) || bytes[..self.start].ends_with(b"\\n"))
            .then_some(line)
    }
}

/// The bytes of an escape of which a name read backwards took the end for its own beginning: `n` in `…\npassword`.
fn escape_len(name: &[u8]) -> usize {
    match name {
        [b'u', digits @ ..] if digits.len() > 4 && digits[..4].iter().all(u8::is_ascii_hexdigit) => 5,
        [b'x', digits @ ..] if digits.len() > 2 && digits[..2].iter().all(u8::is_ascii_hexdigit) => 3,
        [b'n' | b'r' | b't', _, ..] => 1,
        _ => 0,
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.%[".contains(&byte)
}

/// Adds the places of all values of secrets in `text` to `spans`.
pub(super) fn find(text: &str, names: &FieldNames, spans: &mut Vec<Span>) {
    if !names.may_be_secret(text) {
        return;
    }
    separated(text, names, spans);
    options(text, names, spans);
    tuples(text, names, spans);
}

/// `name: value`, `name=value`, `name => value`, `<name>value</name>`.
fn separated(text: &str, names: &FieldNames, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for at in memchr3_iter(b':', b'=', b'>', bytes) {
        if at < done || at == 0 || is_no_separator(bytes, at) {
            continue;
        }
        let Some(name) = Name::before(text, at).filter(|name| name.is_secret(names)) else { continue };
        let found = if bytes[at] == b'>' { element(bytes, at, &name) } else { value::after(bytes, at, &name) };
        if let Some(span) = found.filter(|span| !span.is_empty()) {
            done = span.end;
            spans.push(span);
        }
    }
}

/// The text of the XML element whose start tag closes at `at`.
fn element(bytes: &[u8], at: usize, name: &Name<'_>) -> Option<Span> {
    if name.start == 0 || bytes[name.start - 1] != b'<' {
        return None;
    }
    let end = run_end(bytes, at + 1, |byte| byte != b'<');
    let end_tag = bytes[end..].strip_prefix(b"</")?;
    end_tag.starts_with(name.text.as_bytes()).then_some(at + 1..end)
}

/// Whether this is part of another sign: `::`, or the `>` of `=>` and `->`.
fn is_no_separator(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b':' => bytes[at - 1] == b':' || bytes.get(at + 1) == Some(&b':'),
        b'>' => matches!(bytes[at - 1], b'=' | b'-' | b'>'),
        _ => bytes[at - 1] == b'=' || bytes[at - 1] == b':',
    }
}

/// `--name value` on a command line.
fn options(text: &str, names: &FieldNames, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    static DASHES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("--"));
    for at in DASHES.find_iter(bytes) {
        let start = at + 2;
        let end =
            run_end(&bytes[..bytes.len().min(start + NAME_MAX)], start, |byte| byte == b'-' || is_name_byte(byte));
        let is_followed = bytes.get(end) == Some(&b' ') && bytes.get(end + 1).is_some_and(|&byte| byte != b'-');
        if is_followed && names.is_secret(&text[start..end]) {
            spans.extend(value::word_or_quoted(bytes, end + 1));
        }
    }
}

/// `("name", "value")`, as headers and other pairs are shown.
fn tuples(text: &str, names: &FieldNames, spans: &mut Vec<Span>) {
    static COMMAS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [Finder::new("\","), Finder::new("',")]);
    for comma in COMMAS.iter() {
        spans.extend(comma.find_iter(text.as_bytes()).filter_map(|at| tuple(text, at + 1, names)));
    }
}

/// The value of the pair whose comma is at `comma`.
fn tuple(text: &str, comma: usize, names: &FieldNames) -> Option<Span> {
    let bytes = text.as_bytes();
    let name = Name::before(text, comma)?;
    let opened = name.opened?;
    let is_first = opened.start > 0 && b"([".contains(&bytes[opened.start - 1]);
    if !is_first || !name.is_secret(names) {
        return None;
    }
    let first = run_end(bytes, comma + 1, |byte| byte.is_ascii_whitespace());
    let value = Opening::at(bytes, first)?.content(bytes);
    let after = run_end(bytes, value.end, |byte| byte.is_ascii_whitespace() || b"\\\"',".contains(&byte));
    matches!(bytes.get(after), None | Some(b')' | b']')).then_some(value)
}
