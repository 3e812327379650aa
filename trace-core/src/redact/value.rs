//! Where a value ends that follows the name of a secret in text.
//!
//! Comes in: the text and the place after the name. Goes out: the bytes of the value, without its quotes. Where it is not clear how far
//! a value goes, more is taken rather than less.

use super::REDACTED;
use super::pair::Name;
use super::span::{Span, looks_like_credential, run_end, run_start};

/// Words that are no secret in place of one.
const NO_SECRETS: [&str; 7] = ["null", "none", "nil", "true", "false", "undefined", "n/a"];

/// Names of ways to authenticate: the credentials are the word after.
const SCHEMES: [&str; 8] = ["bearer", "basic", "token", "digest", "negotiate", "apikey", "api-key", "aws4-hmac-sha256"];

/// The beginning of a quoted text: a quote, and the backslashes before it where text was quoted within text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// Where it begins, backslashes included.
    pub(super) start: usize,
    backslashes: usize,
    quote: u8,
    /// Where the content begins.
    content: usize,
}

impl Opening {
    /// The quote that begins at `start`.
    pub(super) fn at(bytes: &[u8], start: usize) -> Option<Self> {
        let at = run_end(&bytes[..bytes.len().min(start + 16)], start.min(bytes.len()), |byte| byte == b'\\');
        let quote = bytes.get(at).copied().filter(|byte| b"\"'`".contains(byte))?;
        Some(Self { start, backslashes: at - start, quote, content: at + 1 })
    }

    /// The quote whose content begins at `content`.
    pub(super) fn ending_at(bytes: &[u8], content: usize) -> Option<Self> {
        let at = content.checked_sub(1)?;
        let quote = bytes.get(at).copied().filter(|byte| b"\"'`".contains(byte))?;
        let start = run_start(bytes, at, 16, |byte| byte == b'\\');
        Some(Self { start, backslashes: at - start, quote, content })
    }

    /// The content; without a closing quote, the rest of the line.
    pub(super) fn content(self, bytes: &[u8]) -> Span {
        let triple = [self.quote; 3];
        if self.backslashes == 0 && bytes[self.start..].starts_with(&triple) {
            let first = self.start + 3;
            return first..memchr::memmem::find(&bytes[first..], &triple).map_or(bytes.len(), |at| first + at);
        }
        self.content..self.close(bytes, self.content).unwrap_or_else(|| line_end(bytes, self.content))
    }

    /// Where the quote closes, at or after `from`.
    ///
    /// Text that is quoted n times has 2^n - 1 backslashes before its quotes; a quote of the content has
    /// more, and each backslash of the content is doubled n times.
    fn close(self, bytes: &[u8], from: usize) -> Option<usize> {
        // Apostrophes are common: such a quote must close on its line.
        let end = if self.quote == b'"' { b'"' } else { b'\n' };
        for at in memchr::memchr2_iter(self.quote, end, &bytes[from..]).map(|at| from + at) {
            if bytes[at] == b'\n' {
                return None;
            }
            let first = run_start(bytes, at, at - from, |byte| byte == b'\\');
            if (at - first) % (2 * self.backslashes + 2) == self.backslashes {
                return Some(at - self.backslashes);
            }
        }
        None
    }
}

/// The value after the separator at `at`.
pub(super) fn after(bytes: &[u8], at: usize, name: &Name<'_>) -> Option<Span> {
    let sign = run_end(bytes, at, |byte| b":=>".contains(&byte));
    let first = run_end(bytes, sign, |byte| b" \t*".contains(&byte));
    let is_colon = bytes[at] == b':' && sign == at + 1;
    if bytes[first..].starts_with(REDACTED.as_bytes()) || first >= bytes.len() {
        return None;
    }
    if name.is_weak() {
        return weak(bytes, first);
    }
    if name.is_directory() && b"/~".contains(&bytes[first]) {
        return None;
    }
    let line = if name.closed { None } else { name.line_start(bytes) };
    if let Some(line) = line.filter(|_| is_colon)
        && let Some(block) = block(bytes, first, line)
    {
        return Some(block);
    }
    if let Some(opening) = Opening::at(bytes, first) {
        return Some(opening.content(bytes));
    }
    let stop = structure_end(bytes, first);
    // A header or an assignment that is quoted as a whole ends with its quote.
    let quoted_whole = name.opened.filter(|_| !name.closed);
    if let Some(stop) = quoted_whole.and_then(|opening| opening.close(bytes, first)) {
        return Some(first..stop.min(line_end(bytes, first)));
    }
    let is_header = !name.closed && name.is_header();
    if is_colon && (line.is_some() || is_header) || quoted_whole.is_some() {
        word(bytes, first, true)?; // nothing but `null` and the like
        return Some(first..line_end(bytes, stop.unwrap_or(first)));
    }
    match stop {
        Some(stop) => Some(first..stop),
        None => word(bytes, first, line.is_some()).map(|span| with_default(bytes, span, is_colon)),
    }
}

/// The value of an option: a word, or what is quoted.
pub(super) fn word_or_quoted(bytes: &[u8], first: usize) -> Option<Span> {
    if bytes[first..].starts_with(REDACTED.as_bytes()) {
        return None;
    }
    match Opening::at(bytes, first) {
        Some(opening) => Some(opening.content(bytes)),
        None => word(bytes, first, true),
    }
}

/// How much of a word decides whether it looks like a credential: no more, so that looking stays linear.
const LOOK: usize = 128;

/// What follows the bare word `token`, if it looks like a credential.
fn weak(bytes: &[u8], first: usize) -> Option<Span> {
    if let Some(opening) = Opening::at(bytes, first) {
        return Some(opening.content(bytes)).filter(|span| looks_like_credential(&bytes[span.clone()]));
    }
    let seen = word(&bytes[..bytes.len().min(first + LOOK)], first, false)?;
    if looks_like_credential(&bytes[seen]) { word(bytes, first, false) } else { None }
}

/// A word without quotes; with the name of a scheme, also the word after it.
fn word(bytes: &[u8], first: usize, is_line: bool) -> Option<Span> {
    let mut span = first..word_end(bytes, first, is_line);
    if SCHEMES.iter().any(|scheme| bytes[span.clone()].eq_ignore_ascii_case(scheme.as_bytes())) {
        let next = run_end(bytes, span.end, |byte| byte == b' ');
        span.end = word_end(bytes, next, is_line);
    }
    while span.end > first && b",;.)]}>".contains(&bytes[span.end - 1]) {
        span.end -= 1;
    }
    (!is_no_secret(&bytes[span.clone()])).then_some(span)
}

/// A word ends at white space, at a quote (unless it is a whole line's), and at `&`, `,` or `;` before another pair.
fn word_end(bytes: &[u8], first: usize, is_line: bool) -> usize {
    let ends = |at: usize| match bytes[at] {
        b'"' | b'\'' | b'`' => !is_line,
        b'<' => true,
        b'\\' => match bytes.get(at + 1) {
            Some(b'n' | b'r') => true,
            Some(b't' | b'"' | b'\'') => !is_line,
            _ => false,
        },
        b'&' | b',' | b';' => is_pair(bytes, at + 1),
        byte => byte.is_ascii_whitespace(),
    };
    (first..bytes.len()).find(|&at| ends(at)).unwrap_or(bytes.len())
}

/// Whether `name=` or `name:` follows.
fn is_pair(bytes: &[u8], at: usize) -> bool {
    let first = run_end(&bytes[..bytes.len().min(at + 4)], at.min(bytes.len()), |byte| byte == b' ');
    let end = run_end(&bytes[..bytes.len().min(first + 64)], first, |byte| {
        byte.is_ascii_alphanumeric() || b"_-.%[]\"' ".contains(&byte)
    });
    end > first && matches!(bytes.get(end), Some(b'=' | b':'))
}

/// With the default value that follows the type in `password: str = "…"`.
fn with_default(bytes: &[u8], span: Span, is_colon: bool) -> Span {
    let sign = run_end(bytes, span.end, |byte| byte == b' ');
    if !is_colon || bytes.get(sign) != Some(&b'=') || bytes.get(sign + 1) == Some(&b'=') {
        return span;
    }
    let first = run_end(bytes, sign + 1, |byte| byte == b' ');
    let end = word_or_quoted(bytes, first).map_or(span.end, |value| value.end);
    span.start..end
}

/// The end of `[…]`, `{…}`, `Some("…")`, `Secret { … }` or `b"…"` that begins at `first`; without a closing bracket, of the text.
fn structure_end(bytes: &[u8], first: usize) -> Option<usize> {
    let word = run_end(&bytes[..bytes.len().min(first + 64)], first, |byte| {
        byte.is_ascii_alphanumeric() || b"_:.&@$!<>".contains(&byte)
    });
    let opener = run_end(&bytes[..bytes.len().min(word + 1)], word, |byte| byte == b' ');
    match bytes.get(opener) {
        Some(b'{') => Some(closing_bracket(bytes, opener)),
        Some(b'(' | b'[') if opener == word => Some(closing_bracket(bytes, opener)),
        Some(b'"' | b'\'') if opener == word && word - first <= 3 => {
            Opening::at(bytes, word).map(|opening| opening.content(bytes).end)
        }
        _ => None,
    }
}

/// The place after the bracket that closes the one at `at`; brackets in double quotes do not count.
fn closing_bracket(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut in_quotes, mut next) = (0_usize, false, at);
    while let Some(&byte) = bytes.get(next) {
        next += 1;
        match byte {
            b'\\' if in_quotes => next += 1,
            b'"' => in_quotes = !in_quotes,
            b'(' | b'[' | b'{' if !in_quotes => depth += 1,
            b')' | b']' | b'}' if !in_quotes => {
                depth -= 1;
                if depth == 0 {
                    return next;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// The lines after the name's that are indented deeper, where nothing but `|` or `>` stands on its own line: a block of YAML.
fn block(bytes: &[u8], first: usize, line: usize) -> Option<Span> {
    let sign = run_end(bytes, first, |byte| b"|>+-0123456789 \t\r".contains(&byte));
    if bytes.get(sign) != Some(&b'\n') {
        return None;
    }
    let indent = |at: usize| run_end(bytes, at, |byte| byte == b' ' || byte == b'\t' || byte == b'-') - at;
    let (own, body) = (indent(line), sign + 1);
    let mut stop = body;
    while stop < bytes.len() {
        let end = run_end(bytes, stop, |byte| byte != b'\n');
        if !bytes[stop..end].trim_ascii().is_empty() && indent(stop) <= own {
            break;
        }
        stop = (end + 1).min(bytes.len());
    }
    let text = bytes[body..stop].trim_ascii();
    let first = body + run_end(&bytes[body..stop], 0, |byte| byte.is_ascii_whitespace());
    (!text.is_empty()).then(|| first..first + text.len())
}

/// The end of the line, also where its break was escaped.
fn line_end(bytes: &[u8], from: usize) -> usize {
    let end = run_end(bytes, from, |byte| byte != b'\n' && byte != b'\r');
    let escaped =
        memchr::memchr_iter(b'\\', &bytes[from..end]).find(|at| matches!(bytes.get(from + at + 1), Some(b'n' | b'r')));
    escaped.map_or(end, |at| from + at)
}

/// Whether a word stands for the absence of a value, or was masked by someone else.
fn is_no_secret(word: &[u8]) -> bool {
    let word = word.trim_ascii();
    word.iter().all(|byte| b"*.".contains(byte))
        || NO_SECRETS.iter().any(|other| word.eq_ignore_ascii_case(other.as_bytes()))
        || word.starts_with(REDACTED.as_bytes())
}
