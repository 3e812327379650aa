//! What two versions of a prompt differ in, line by line.

use serde::Serialize;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{ChangeTag, DiffOp};
use std::fmt;

/// The difference between two versions. It reads as a unified diff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PromptDiff {
    /// The version compared with.
    pub from: u32,
    /// The version compared.
    pub to: u32,
    /// What differs in the system texts.
    pub system: TextDiff,
    /// What differs in the templates.
    pub template: TextDiff,
}

/// The difference between two texts: every line of both, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TextDiff {
    /// The lines.
    pub lines: Vec<DiffLine>,
}

/// A line of two texts that are compared, without its line break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", content = "line", rename_all = "lowercase")]
pub enum DiffLine {
    /// It is in both.
    Same(String),
    /// It is in the second only.
    Added(String),
    /// It is in the first only.
    Removed(String),
}

impl TextDiff {
    /// Compares two texts.
    #[must_use]
    pub fn new(from: &str, to: &str) -> Self {
        let line = |change: similar::Change<&str>| {
            let text = change.value().trim_end_matches(['\r', '\n']).to_owned();
            match change.tag() {
                ChangeTag::Equal => DiffLine::Same(text),
                ChangeTag::Insert => DiffLine::Added(text),
                ChangeTag::Delete => DiffLine::Removed(text),
            }
        };
        let (from, to) = (lines(from), lines(to));
        let changes = operations(&from, &to);
        let changes = changes.iter().flat_map(|operation| operation.iter_changes(from.as_slice(), to.as_slice()));
        Self { lines: changes.map(line).collect() }
    }

    /// Whether the texts are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| matches!(line, DiffLine::Same(_)))
    }

    /// How many lines were added.
    #[must_use]
    pub fn added(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line, DiffLine::Added(_))).count()
    }

    /// How many lines were removed.
    #[must_use]
    pub fn removed(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line, DiffLine::Removed(_))).count()
    }
}

/// The lines of a text with their breaks: `\n`, `\r\n`, or a `\r` alone. `similar` has it in its feature `text`, which takes five times
/// as long to compile as the rest of it.
fn lines(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let ends = |at: &usize| bytes[*at] == b'\n' || bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    let mut start = 0;
    let line = |end| {
        let line = &text[start..end];
        start = end;
        line
    };
    let ends = (0..bytes.len()).filter(ends).map(|at| at + 1);
    ends.chain([text.len()]).map(line).filter(|line| !line.is_empty()).collect()
}

/// What turns one list of lines into the other. It is `similar::capture_diff_slices` without the code of its five other algorithms.
fn operations(from: &[&str], to: &[&str]) -> Vec<DiffOp> {
    let mut found = Compact::new(Replace::new(Capture::new()), from, to);
    let Ok(()) = myers::diff(&mut found, from, 0..from.len(), to, 0..to.len());
    found.into_inner().into_inner().into_ops()
}

impl fmt::Display for DiffLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(line) => write!(f, " {line}"),
            Self::Added(line) => write!(f, "+{line}"),
            Self::Removed(line) => write!(f, "-{line}"),
        }
    }
}

impl fmt::Display for PromptDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (part, diff) in [("system", &self.system), ("template", &self.template)] {
            if !diff.is_empty() {
                writeln!(f, "--- {part} v{}\n+++ {part} v{}", self.from, self.to)?;
                diff.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_unified_diff() {
        let diff = PromptDiff {
            from: 1,
            to: 2,
            system: TextDiff::new("Be kind.", "Be kind."),
            template: TextDiff::new("Analyze: {{ ticket }}\nAt length.", "Analyze: {{ ticket }}\nOne line each.\n"),
        };
        assert_eq!(
            diff.to_string(),
            "--- template v1\n+++ template v2\n Analyze: {{ ticket }}\n-At length.\n+One line each.\n"
        );
        assert_eq!((diff.template.added(), diff.template.removed()), (1, 1));
        assert!(diff.system.is_empty());
    }

    #[test]
    fn a_line_ends_as_in_any_editor() {
        assert_eq!(lines("a\nb\r\nc\rd"), ["a\n", "b\r\n", "c\r", "d"]);
        assert_eq!(lines("a\n\r\n\r\r\n"), ["a\n", "\r\n", "\r", "\r\n"]);
        assert_eq!(lines("ü\n"), ["ü\n"]);
        assert!(lines("").is_empty());
    }
}
