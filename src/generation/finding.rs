//! What a check looked at, and what it found.

use serde::Serialize;
use std::fmt;

/// Lines shown before and after the one that a finding is about.
const AROUND: usize = 3;

/// The widest line that is shown, in characters.
const WIDEST: usize = 240;

/// A generated text, and the name it goes by: a file, a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// The name, such as `todo_store.rs`.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Artifact {
    /// A text with a name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// One thing that is wrong with an artifact.
///
/// ```
/// use whytrace::generation::Finding;
/// let source = "fn main() {\n    let x = \n}\n";
/// let finding = Finding::new("SyntaxError", "expected an expression").at(3, 1).within(source);
/// assert_eq!(finding.context.unwrap(), "  1 | fn main() {\n  2 |     let x = \n> 3 | }\n    | ^");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked: `syntax`, `import`, `logic`, …; empty until a [`Report`] says it.
    pub validation_type: String,
    /// The sort of error, such as `SyntaxError`.
    pub error_type: String,
    /// The exact message.
    pub message: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column, from 1, in characters.
    pub column: Option<u64>,
    /// The lines around it.
    pub context: Option<String>,
}

impl Finding {
    /// An error without a place.
    #[must_use]
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into(), ..Self::default() }
    }

    /// Where it is: line and column, both from 1.
    #[must_use]
    pub fn at(mut self, line: u64, column: u64) -> Self {
        (self.line, self.column) = (Some(line), Some(column));
        self
    }

    /// Takes the lines around its place from the text it was found in.
    #[must_use]
    pub fn within(mut self, source: &str) -> Self {
        self.context = self.line.and_then(|line| source_context(source, line, self.column));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error_type, self.message)?;
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, " (line {line}, column {column})"),
            (Some(line), None) => write!(f, " (line {line})"),
            (None, _) => Ok(()),
        }
    }
}

/// The lines of `source` around `line` (from 1), numbered, with a mark at the line and below the column (from 1, in characters).
/// `None` when there is no such line; one past the end is where a parser that ran out of text stands, and shows the last lines.
#[must_use]
pub fn source_context(source: &str, line: u64, column: Option<u64>) -> Option<String> {
    let lines: Vec<&str> = source.lines().collect();
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    if at > lines.len() {
        return None;
    }
    let (first, last) = (at.saturating_sub(AROUND), (at + AROUND + 1).min(lines.len()));
    let width = (last.max(at + 1)).to_string().len();
    let mut shown = Vec::new();
    for index in first..last.max(at + 1) {
        let mark = if index == at { '>' } else { ' ' };
        let text: String = lines.get(index).copied().unwrap_or_default().chars().take(WIDEST).collect();
        shown.push(format!("{mark} {:>width$} | {text}", index + 1));
        let column = column.and_then(|column| usize::try_from(column).ok()).filter(|_| index == at);
        if let Some(column) = column.filter(|column| (1..=WIDEST).contains(column)) {
            // A tab before the mark stays a tab, so that both stand in one column whatever its width.
            let before = text.chars().chain(std::iter::repeat(' ')).take(column - 1);
            let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            shown.push(format!("  {:width$} | {indent}^", ""));
        }
    }
    Some(shown.join("\n"))
}

/// What a validator found in an artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The validator.
    pub validator: String,
    /// What it looked at.
    pub artifact: String,
    /// What is wrong, first things first; empty when it is valid.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.findings.is_empty()
    }

    /// What is wrong first.
    #[must_use]
    pub fn first(&self) -> Option<&Finding> {
        self.findings.first()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_valid() {
            return write!(f, "{}: {} finds nothing wrong", self.artifact, self.validator);
        }
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}: {finding}", self.artifact)?;
            if let Some(context) = &finding.context {
                write!(f, "\n{context}")?;
            }
        }
        Ok(())
    }
}
