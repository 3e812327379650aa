//! Places in a text that are to be replaced.
//!
//! Detectors look at the same text and report what they found as byte ranges, in any order, overlapping or not;
//! [`replace`] makes one text of it.

use super::REDACTED;
use std::ops::Range;

/// A place in a text, in bytes; it begins and ends between two characters.
pub(super) type Span = Range<usize>;

/// The text with every span replaced by [`REDACTED`]; spans that overlap become one.
pub(super) fn replace(text: &str, mut spans: Vec<Span>) -> String {
    spans.sort_unstable_by_key(|span| span.start);
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for span in spans {
        if span.is_empty() {
            continue;
        }
        if span.start >= kept {
            out.push_str(&text[kept..span.start]);
            out.push_str(REDACTED);
        }
        kept = kept.max(span.end);
    }
    out.push_str(&text[kept..]);
    out
}

/// The end of the run of bytes from `at` on that `accept`.
pub(super) fn run_end(bytes: &[u8], at: usize, accept: impl Fn(u8) -> bool) -> usize {
    bytes[at..].iter().position(|&byte| !accept(byte)).map_or(bytes.len(), |length| at + length)
}

/// The start of the run of at most `max` bytes before `at` that `accept`.
pub(super) fn run_start(bytes: &[u8], at: usize, max: usize, accept: impl Fn(u8) -> bool) -> usize {
    let from = at.saturating_sub(max);
    bytes[from..at].iter().rposition(|&byte| !accept(byte)).map_or(from, |before| from + before + 1)
}

/// Whether a word is more likely a credential than a word of a sentence or an expression of a program: at least 6 of the
/// characters that tokens are made of, among them a digit, an inner capital, or more than prose has in one word.
pub(super) fn looks_like_credential(word: &[u8]) -> bool {
    let of_token = |&byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(&byte);
    if word.len() < 6 || !word.iter().all(of_token) {
        return false;
    }
    let is_prose = word[1..].iter().all(|&byte| byte.is_ascii_lowercase() || byte == b'-');
    !is_prose || word.len() > 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_spans_become_one() {
        assert_eq!(replace("abcdefgh", vec![6..7, 1..3, 2..5]), "a[redacted]f[redacted]h");
        assert_eq!(replace("ab", vec![0..2, 0..1, 2..2]), "[redacted]");
        assert_eq!(replace("ab", vec![]), "ab");
    }

    #[test]
    fn prose_and_code_are_no_credentials() {
        for word in ["token", "authentication", "Authentication", "lexer.next();", "token-based", "Token::Eof", ""] {
            assert!(!looks_like_credential(word.as_bytes()), "{word}");
        }
        for word in ["s3cr3t", "SUPERSECRET", "hunter2", "aBcDeF", "abcdefghijklmnop", "a.b.c=="] {
            assert!(looks_like_credential(word.as_bytes()), "{word}");
        }
    }
}
