//! Text from outside, made safe to keep and to show.
//!
//! Comes in: any text, of any length. Goes out: text that is bounded (and says how long it was), that holds no NUL and no lone
//! surrogate, and that cannot act on a terminal or in Markdown.
//!
//! Two notations stand for content that is not there. Both are plain text, so that they fit wherever a text or a
//! JSON value stood, and both carry length and hash of what they stand for:
//!
//! - `<head>\n… [cut: <bytes> bytes in full, blake3 <64 hex>]`: the head of a text that was too large ([`clip`], [`Clipped`]);
//! - `[content off: <bytes> bytes, blake3 <64 hex>]`: a text or value that was not to be kept ([`withheld`], [`Withheld`]).

use std::borrow::Cow;
use std::fmt::Write;

/// What comes between the head of a cut text and its full length.
const CUT: &str = "\n… [cut: ";
const CUT_HASH: &str = " bytes in full, blake3 ";
const OFF: &str = "[content off: ";
const OFF_HASH: &str = " bytes, blake3 ";
/// More than any number of bytes and any hash take in the notations.
const MARKER_MAX: usize = 128;

/// The longest head of `text` that has at most `max` bytes and ends between two characters.
///
/// ```
/// assert_eq!(trace_core::text::head("aé", 2), "a");
/// ```
#[must_use]
pub fn head(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// blake3 of `text`, 64 hex digits.
#[must_use]
pub fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The first 8 hex digits of blake3 of `text`: the suffix of names that had to be changed.
pub(crate) fn short_hash(text: &str) -> String {
    hash(text)[..8].to_owned()
}

/// A text of which only the head was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clipped<'a> {
    /// What was kept.
    pub head: &'a str,
    /// The bytes of the whole text.
    pub bytes: u64,
    /// blake3 of the whole text, 64 hex digits.
    pub hash: &'a str,
}

impl<'a> Clipped<'a> {
    /// Reads what [`clip`] left; `None` when `text` is whole.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if !text.ends_with(']') {
            return None;
        }
        let start = text.ceil_char_boundary(text.len().saturating_sub(MARKER_MAX));
        let at = start + text[start..].rfind(CUT)?;
        let (bytes, hash) = length_and_hash(&text[at + CUT.len()..], CUT_HASH)?;
        Some(Self { head: &text[..at], bytes, hash })
    }
}

/// Whether only the head of `text` was kept.
#[must_use]
pub fn is_clipped(text: &str) -> bool {
    Clipped::parse(text).is_some()
}

/// Cuts a text of more than `max` bytes at a character boundary and says so at its end; clipping twice is clipping once.
///
/// ```
/// use trace_core::text::{Clipped, clip};
/// let mut text = "a long story".to_owned();
/// clip(&mut text, 6);
/// let clipped = Clipped::parse(&text).unwrap();
/// assert_eq!((clipped.head, clipped.bytes), ("a long", 12));
/// ```
pub fn clip(text: &mut String, max: usize) {
    if text.len() <= max || Clipped::parse(text).is_some_and(|clipped| clipped.head.len() <= max) {
        return;
    }
    let (bytes, hash) = (text.len(), hash(text));
    text.truncate(text.floor_char_boundary(max));
    let _ = write!(text, "{CUT}{bytes}{CUT_HASH}{hash}]"); // writing to a string cannot fail
    text.shrink_to_fit();
}

/// What stands in place of content that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld<'a> {
    /// The bytes of the content: of the text, or of the value's JSON.
    pub bytes: u64,
    /// blake3 of it, 64 hex digits.
    pub hash: &'a str,
}

impl<'a> Withheld<'a> {
    /// Reads what [`withheld`] wrote; `None` when `text` is anything else.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (bytes, hash) = length_and_hash(text.strip_prefix(OFF)?, OFF_HASH)?;
        Some(Self { bytes, hash })
    }
}

/// What to keep in place of `content`: its length and hash.
///
/// ```
/// use trace_core::text::{Withheld, withheld};
/// assert_eq!(Withheld::parse(&withheld("private")).unwrap().bytes, 7);
/// ```
#[must_use]
pub fn withheld(content: &str) -> String {
    format!("{OFF}{}{OFF_HASH}{}]", content.len(), hash(content))
}

/// Reads `<number><between><64 hex>]`.
fn length_and_hash<'a>(text: &'a str, between: &str) -> Option<(u64, &'a str)> {
    let (bytes, hash) = text.strip_suffix(']')?.split_once(between)?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = bytes.bytes().all(|byte| byte.is_ascii_digit());
    if is_hash && is_number { Some((bytes.parse().ok()?, hash)) } else { None }
}

/// Replaces every NUL by `␀`: neither Postgres nor C programs can hold it.
pub fn replace_nul(text: &mut String) {
    if text.as_bytes().contains(&0) {
        *text = text.replace('\0', "␀");
    }
}

/// Replaces the escapes of lone surrogates (`\ud800`) in JSON text by that of U+FFFD, so that the JSON can be read.
///
/// Programs whose strings are UTF-16 write such escapes; no Rust string can hold what they stand for.
///
/// ```
/// use trace_core::text::sanitize_json_surrogates;
/// assert_eq!(sanitize_json_surrogates(r#""a\ud800b""#), r#""a\ufffdb""#);
/// assert_eq!(sanitize_json_surrogates(r#""\ud83d\ude00 \\ud800""#), r#""\ud83d\ude00 \\ud800""#);
/// ```
#[must_use]
pub fn sanitize_json_surrogates(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let (mut out, mut kept, mut at) = (String::new(), 0, 0);
    while let Some(step) = memchr::memchr(b'\\', &bytes[at..]) {
        at += step;
        at += match surrogate(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(surrogate(bytes, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(_) => {
                out.push_str(&json[kept..at]);
                out.push_str("\\ufffd");
                kept = at + 6;
                6
            }
            None => 2, // any other escape, `\\` among them
        };
        at = at.min(bytes.len());
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[kept..]);
    Cow::Owned(out)
}

/// The code unit of the escape `\uXXXX` at `at`, when it is half of a surrogate pair.
fn surrogate(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xD800..=0xDFFF).contains(&unit).then_some(unit)
}

/// Text for one line of a terminal: whatever could act there (control characters, escape sequences, line breaks, bidirectional
/// overrides, invisible characters) is shown as an escape such as `\u{1b}`.
///
/// ```
/// assert_eq!(trace_core::text::printable("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escape_where(text, acts_on_terminal)
}

/// As [`printable`], but line breaks and tabs stay: for text that is shown as a block.
#[must_use]
pub fn printable_block(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| !matches!(c, '\n' | '\t') && acts_on_terminal(c))
}

fn escape_where(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&acts) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// JSON text with every character that could act on a terminal written as its `\uXXXX` escape: it means the same to every reader of JSON.
///
/// ```
/// assert_eq!(trace_core::text::escape_json("\"\u{9b}31m\""), r#""\u009b31m""#);
/// ```
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    // Control characters below U+0020 stand in JSON between values only, and there they are line breaks and indentation.
    let acts = |c: char| c >= '\u{7f}' && acts_on_terminal(c);
    let Some(first) = json.find(acts) else { return Cow::Borrowed(json) };
    let mut out = String::with_capacity(json.len() + 16);
    out.push_str(&json[..first]);
    for c in json[first..].chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}"); // writing to a string cannot fail
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters (C0, DEL, C1), marks and overrides of direction, separators of lines, and what is invisible and has no use
/// in text: zero-width space, word joiner, byte-order mark, tag characters. Zero-width joiners stay: emoji and scripts need them.
fn acts_on_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
        || matches!(c, '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Text for one line of Markdown, a table cell included: nothing in it is markup, HTML or a control character.
///
/// ```
/// use trace_core::text::markdown;
/// assert_eq!(markdown("<b>*x*</b> | source_selected"), r"&lt;b&gt;\*x\*&lt;/b&gt; \| source_selected");
/// ```
#[must_use]
pub fn markdown(text: &str) -> Cow<'_, str> {
    let line = escape_where(text, |c| !matches!(c, '\n' | '\r' | '\t') && acts_on_terminal(c));
    let mut out = String::with_capacity(line.len() + 16);
    let mut before = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '_' if inside_word(before) && inside_word(rest.peek().copied()) => out.push('_'),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => out.extend(['\\', c]),
            '-' | '+' | '=' if out.trim_start().is_empty() => out.extend(['\\', c]),
            '.' | ')' if is_number(&out) => out.extend(['\\', c]), // would begin a numbered list
            _ => out.push(c),
        }
        before = Some(c);
    }
    if out == line { line } else { Cow::Owned(out) }
}

fn is_number(text: &str) -> bool {
    let text = text.trim_start();
    (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_ends_between_two_characters_and_tells_length_and_hash() {
        let full = "é".repeat(100);
        for max in 0..=200 {
            let mut text = full.clone();
            clip(&mut text, max);
            if max == 200 {
                assert_eq!(text, full);
                continue;
            }
            let clipped = Clipped::parse(&text).unwrap();
            assert_eq!(clipped.head, "é".repeat(max / 2));
            assert_eq!((clipped.bytes, clipped.hash), (200, hash(&full).as_str()));
            assert!(text.len() <= max + MARKER_MAX);
        }
    }

    #[test]
    fn clipping_twice_is_clipping_once() {
        let mut text = "x".repeat(1000);
        clip(&mut text, 100);
        let once = text.clone();
        clip(&mut text, 100);
        assert_eq!(text, once);
        let mut forged = format!("{}{}", "x".repeat(1000), &once[100..]);
        clip(&mut forged, 100);
        assert_eq!(Clipped::parse(&forged).unwrap().head.len(), 100);
    }

    #[test]
    fn only_the_exact_notation_is_read_as_cut_or_withheld() {
        let hash = hash("");
        for text in ["", "]", "a]", "\n… [cut: 1 bytes in full, blake3 12]", "x\n… [cut:  bytes in full, blake3 ]"]
        {
            assert!(!is_clipped(text), "{text}");
        }
        assert!(!is_clipped(&format!("\n… [cut: +1 bytes in full, blake3 {hash}]")));
        assert!(!is_clipped(&format!("\n… [cut: 1 bytes in full, blake3 {hash}] and more")));
        assert!(is_clipped(&format!("\n… [cut: 1 bytes in full, blake3 {hash}]")));
        assert_eq!(Withheld::parse(&withheld("é")), Some(Withheld { bytes: 2, hash: &super::hash("é") }));
        assert_eq!(Withheld::parse(&format!("[content off: 1 bytes, blake3 {hash}] and more")), None);
    }

    #[test]
    fn json_with_lone_surrogates_becomes_readable() {
        for (json, text) in [
            (r#""\ud800""#, "\u{FFFD}"),
            (r#""\udc00\ud800""#, "\u{FFFD}\u{FFFD}"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"),
            (r#""\\ud800 \\\ud800""#, "\\ud800 \\\u{FFFD}"),
            (r#""é\uD800é""#, "é\u{FFFD}é"),
        ] {
            assert_eq!(serde_json::from_str::<String>(&sanitize_json_surrogates(json)).unwrap(), text, "{json}");
        }
        for broken in ["\\", "\\u", "\\ud80", "\\ud800\\", "\\ué1"] {
            let _ = sanitize_json_surrogates(broken);
        }
    }

    #[test]
    fn nothing_acts_on_the_terminal() {
        let hostile = "a\u{1b}]0;title\u{7}\u{9b}31m\r\n\u{202e}x\u{2066}\u{200b}\u{e0041}\u{7f}";
        let shown = printable(hostile);
        assert!(shown.chars().all(|c| !acts_on_terminal(c)), "{shown}");
        assert_eq!(printable_block("a\n\tb\u{1b}"), "a\n\tb\\u{1b}");
        for fine in ["plain", "größer", "日本語", "👩\u{200d}🚀"] {
            assert!(matches!(printable(fine), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn json_that_acts_on_no_terminal_means_the_same() {
        let hostile = "a\u{1b}]0;title\u{7}\u{9b}31m\r\n\u{202e}x\u{e0041}\u{7f}\u{feff} größer 👩\u{200d}🚀";
        let json = serde_json::to_string_pretty(&serde_json::json!({ hostile: [hostile] })).unwrap();
        let shown = escape_json(&json);
        assert!(shown.chars().all(|c| c == '\n' || !acts_on_terminal(c)), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read[hostile][0], hostile);
        assert!(matches!(escape_json("{\n  \"größer\": 1\n}"), Cow::Borrowed(_)));
    }

    #[test]
    fn nothing_acts_in_markdown() {
        assert_eq!(markdown("# h\n| a | `b` | [l](javascript:x) | ![i](u)"), {
            r"\# h \| a \| \`b\` \| \[l\](javascript:x) \| \!\[i\](u)"
        });
        assert_eq!(markdown("1. one - two"), r"1\. one - two");
        assert_eq!(markdown(" - one"), r" \- one");
        assert_eq!(markdown("_x_ a_b"), r"\_x\_ a_b");
        assert_eq!(markdown("<script>&amp;"), "&lt;script&gt;&amp;amp;");
        assert_eq!(markdown("a\u{202e}b\u{1b}"), r"a\\u\{202e\}b\\u\{1b\}");
        assert_eq!(markdown("a\tb"), "a b");
    }
}
