//! Recorded text made harmless: for a terminal, for a line, for Markdown.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that could act on a terminal or hide text replaced by a visible one.
///
/// Line feed and tab stay. Other control characters become their picture (`␛`), what has none and what reorders or
/// hides text (bidirectional controls, zero-width spaces, tags) becomes `\u{202e}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hazard) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            _ if !is_hazard(char) => out.push(char),
            '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(char))),
            '\x7f' => out.push('\u{2421}'),
            _ => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
            }
        }
    }
    Cow::Owned(out)
}

fn is_hazard(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => char.is_control(),
    }
}

/// The text on one line, printable, white space collapsed, at most `max` characters and then `…`.
///
/// ```
/// assert_eq!(trace_store::files::one_line("a\r\n\u{1b}[31mb", 20), "a ␛[31mb");
/// ```
#[must_use]
pub fn one_line(text: &str, max: usize) -> String {
    // A recorded text may be a megabyte long; only its head is looked at.
    let head = text.char_indices().nth(max.saturating_mul(4)).map_or(text, |(end, _)| &text[..end]);
    let line = head.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = printable(&line);
    match line.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if head.len() < text.len() => format!("{line}…"),
        None => line.into_owned(),
    }
}

/// The text as inline Markdown that shows it as it is: one line, no markup, no HTML, no end of a table cell.
pub(crate) fn markdown(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = printable(&text);
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let after = chars.peek().map(|&(_, next)| next);
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', char]),
            // Between letters an underscore is no markup, and names are easier to read without the backslash.
            '_' if !(is_word(before) && is_word(after)) => out.push_str("\\_"),
            '#' | '-' | '+' | '=' if at == 0 => out.extend(['\\', char]),
            // `1.` and `1)` at the start would begin a numbered list.
            '.' | ')' if at > 0 && text[..at].bytes().all(|byte| byte.is_ascii_digit()) => out.extend(['\\', char]),
            _ => out.push(char),
        }
        before = Some(char);
    }
    out
}

fn is_word(char: Option<char>) -> bool {
    char.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_survives() {
        assert_eq!(printable("a\x1b[31mred\x07\u{9b}2J\x7f\0"), "a␛[31mred␇\\u{9b}2J␡␀");
        assert_eq!(printable("pay \u{202e}evil\u{2066}"), "pay \\u{202e}evil\\u{2066}");
        assert_eq!(printable("two\nlines\tand 👩‍🚀 é"), "two\nlines\tand 👩‍🚀 é");
        assert!(matches!(printable("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_is_one_line_and_not_longer_than_asked() {
        assert_eq!(one_line("a\r\nb\t c", 10), "a b c");
        assert_eq!(one_line("äöüß", 3), "äöü…");
        assert_eq!(one_line(&" ".repeat(1_000), 3), "…");
        assert_eq!(one_line("", 3), "");
    }

    #[test]
    fn markdown_shows_the_text_and_nothing_else() {
        assert_eq!(markdown("a | b\n# no <b>title</b> & _it_ source_selected"), {
            "a \\| b # no &lt;b&gt;title&lt;/b&gt; &amp; \\_it\\_ source_selected"
        });
        assert_eq!(markdown("# head"), "\\# head");
        assert_eq!(markdown("12. item"), "12\\. item");
        assert_eq!(markdown("[x](javascript:alert(1)) ![](u) `c` **b**"), {
            "\\[x\\](javascript:alert(1)) !\\[\\](u) \\`c\\` \\*\\*b\\*\\*"
        });
        assert_eq!(markdown("META-12: 2.5"), "META-12: 2.5");
    }
}
