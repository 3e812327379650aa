//! A filter that cannot be understood: what is wrong, and where.

use std::fmt;
use std::ops::Range;

/// How much of a filter is shown around what is wrong, in characters.
const SHOWN: usize = 100;

/// A filter that cannot be understood. Shown, it points at the place:
///
/// ```text
/// there is no field `intnet`; did you mean `intent`? known: …
///   status = failed and intnet = validating
///                       ^^^^^^ column 21
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    text: String,
    span: Range<usize>,
    message: String,
}

impl FilterError {
    pub(crate) fn new(text: &str, span: Range<usize>, message: String) -> Self {
        let end = text.floor_char_boundary(span.end.min(text.len()));
        let start = text.floor_char_boundary(span.start.min(end));
        Self { text: text.to_owned(), span: start..end, message }
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The first character that is wrong; 1 is the first of the text.
    #[must_use]
    pub fn column(&self) -> usize {
        self.text[..self.span.start].chars().count() + 1
    }

    /// The bytes of the text that are wrong; empty where something is missing.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every character stays one character, so that the mark stands below what it means.
        let plain = |text: &str| -> String {
            text.chars().map(|char| if is_plain(char) { char } else { '\u{fffd}' }).collect()
        };
        let before = plain(&self.text[..self.span.start]);
        let marked = plain(&self.text[self.span.clone()]);
        let after = plain(&self.text[self.span.end..]);
        let skipped = before.chars().count().saturating_sub(SHOWN);
        let lead: String = before.chars().skip(skipped).collect();
        let lead = if skipped > 0 { format!("…{lead}") } else { lead };
        let marked: String = marked.chars().take(SHOWN).collect();
        let mark = "^".repeat(marked.chars().count().max(1));
        writeln!(f, "{}", self.message)?;
        writeln!(f, "  {lead}{marked}{}", after.chars().take(SHOWN).collect::<String>())?;
        write!(f, "  {}{mark} column {}", " ".repeat(lead.chars().count()), self.column())
    }
}

impl std::error::Error for FilterError {}

fn is_plain(char: char) -> bool {
    char == ' ' || crate::files::one_line(char.encode_utf8(&mut [0; 4]), 1).chars().eq([char])
}
