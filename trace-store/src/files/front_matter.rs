//! YAML front matter that ties a report to its trace.
//!
//! Comes in: the four facts and a report. Goes out: the report with a front matter that holds them. What the report's
//! front matter said besides stays, line by line as it was.

use super::figures::Figures;
use std::fmt::Write as _;
use trace_core::model::{Timestamp, Trace};

/// What the front matter says.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontMatter {
    /// The trace that made the report.
    pub trace_id: String,
    /// When the report was made.
    pub generated_at: Timestamp,
    /// The overall score; `None` when nothing was scored.
    pub quality_score: Option<f64>,
    /// Whether the quality gate passed; `None` when it was not run.
    pub quality_gate: Option<bool>,
}

impl FrontMatter {
    /// What a trace says so far, generated now.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let figures = Figures::of(trace);
        Self {
            trace_id: trace.trace_id.clone(),
            generated_at: Timestamp::now(),
            quality_score: figures.overall_score(),
            quality_gate: figures.passing(),
        }
    }

    fn lines(&self) -> [(&'static str, String); 4] {
        let score = self.quality_score.filter(|score| score.is_finite());
        let gate = match self.quality_gate {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "not_run",
        };
        [
            ("trace_id", quoted(&self.trace_id)),
            ("generated_at", quoted(&self.generated_at.to_string())),
            (
                "quality_score",
                score.map_or_else(|| "null".to_owned(), |score| ((score * 1e4).round() / 1e4).to_string()),
            ),
            ("quality_gate", quoted(gate)),
        ]
    }
}

/// The report with front matter: `trace_id`, `generated_at`, `quality_score`, `quality_gate` (`passed`, `failed`, `not_run`).
///
/// Front matter that is there already keeps its other keys, comments and order; ours are replaced. A block between `---` that is
/// no list of `key: value` (a text between two rulers, a mapping in braces) is part of the report and stays below ours.
///
/// ```
/// use trace_store::files::{FrontMatter, front_matter};
/// let facts = FrontMatter {
///     trace_id: "trc_20260213_143022_a1b2c3d4".into(),
///     generated_at: "2026-02-13T14:31:45Z".parse()?,
///     quality_score: Some(2.4),
///     quality_gate: Some(true),
/// };
/// let report = front_matter(&facts, "---\ntitle: Robots\n---\n# Robots\n");
/// assert!(report.starts_with("---\ntitle: Robots\ntrace_id: \"trc_20260213_143022_a1b2c3d4\"\n"));
/// assert!(report.ends_with("quality_gate: \"passed\"\n---\n# Robots\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn front_matter(facts: &FrontMatter, report: &str) -> String {
    let (mark, text) = match report.strip_prefix('\u{feff}') {
        Some(text) => ("\u{feff}", text),
        None => ("", report),
    };
    let newline = if text.split('\n').next().is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" };
    let (kept, body) = split(text).unwrap_or((Vec::new(), text));
    let mut out = String::with_capacity(report.len() + 256);
    out.push_str(mark);
    let _ = write!(out, "---{newline}");
    for line in kept {
        out.push_str(line);
    }
    for (key, value) in facts.lines() {
        let _ = write!(out, "{key}: {value}{newline}");
    }
    let _ = write!(out, "---{newline}");
    out.push_str(body);
    out
}

/// The lines of the front matter that are not ours, and the text below; `None` without a front matter of `key: value`.
fn split(text: &str) -> Option<(Vec<&str>, &str)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    if first.trim_end() != "---" {
        return None;
    }
    let mut at = first.len();
    let mut kept = Vec::new();
    let mut key = None;
    for line in lines {
        at += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return Some((kept, &text[at..]));
        }
        match kind_of(line) {
            Line::Key(name) => key = Some(name),
            Line::Continued => {
                key?;
            }
            Line::Blank => {
                kept.push(line);
                continue;
            }
            Line::Other => return None,
        }
        if !key.is_some_and(is_ours) {
            kept.push(line);
        }
    }
    None
}

fn is_ours(key: &str) -> bool {
    matches!(key, "trace_id" | "generated_at" | "quality_score" | "quality_gate")
}

enum Line<'a> {
    /// The first line of a key's value.
    Key(&'a str),
    /// A further line of it: indented, or an item of its list.
    Continued,
    /// Nothing, or a comment.
    Blank,
    /// No front matter, or none that can be changed line by line.
    Other,
}

fn kind_of(line: &str) -> Line<'_> {
    let text = line.trim_end();
    if text.is_empty() || text.starts_with('#') {
        return Line::Blank;
    }
    if text.starts_with([' ', '\t']) || text == "-" || text.starts_with("- ") {
        return Line::Continued;
    }
    let quote = text.chars().next().filter(|char| matches!(char, '"' | '\''));
    let (key, rest) = match quote {
        Some(quote) => match text[1..].split_once(quote) {
            Some(parts) => parts,
            None => return Line::Other,
        },
        None if text.starts_with(['{', '[', '&', '*', '!', '|', '>', '%', '@', '`', '?', ',']) => return Line::Other,
        None => {
            let Some(colon) = text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1)) else {
                return Line::Other;
            };
            text.split_at(colon)
        }
    };
    if rest.trim_start().starts_with(':') { Line::Key(key.trim_end()) } else { Line::Other }
}

/// A YAML double-quoted scalar. What YAML does not allow in one is escaped, so that no value can end it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            _ if char.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> FrontMatter {
        FrontMatter {
            trace_id: "trc_20260213_143022_a1b2c3d4".into(),
            generated_at: "2026-02-13T14:31:45Z".parse().unwrap(),
            quality_score: Some(2.4),
            quality_gate: Some(true),
        }
    }

    const OURS: &str = "trace_id: \"trc_20260213_143022_a1b2c3d4\"\ngenerated_at: \"2026-02-13T14:31:45Z\"\n\
                        quality_score: 2.4\nquality_gate: \"passed\"\n";

    #[test]
    fn a_report_without_front_matter_gets_one() {
        assert_eq!(front_matter(&facts(), "# Report\n"), format!("---\n{OURS}---\n# Report\n"));
        assert_eq!(front_matter(&facts(), ""), format!("---\n{OURS}---\n"));
    }

    #[test]
    fn the_users_own_keys_stay_as_they_are() {
        let report = "---\n# mine\ntitle: \"a: b\"\ntags:\n- x\n- y\n'trace_id': old\nquality_gate: >\n  failed\n  trace_id: not a key\n\
                      note: |\n  quality_score: text\n\n  more\n---\nBody\n---\nmore\n";
        let kept = "# mine\ntitle: \"a: b\"\ntags:\n- x\n- y\nnote: |\n  quality_score: text\n\n  more\n";
        assert_eq!(front_matter(&facts(), report), format!("---\n{kept}{OURS}---\nBody\n---\nmore\n"));
    }

    #[test]
    fn doing_it_twice_is_doing_it_once() {
        let once = front_matter(&facts(), "---\na: 1\n---\nBody");
        assert_eq!(front_matter(&facts(), &once), once);
    }

    #[test]
    fn windows_line_ends_and_a_byte_order_mark_stay() {
        let out = front_matter(&facts(), "\u{feff}---\r\na: 1\r\n---\r\nBody\r\n");
        assert_eq!(out, format!("\u{feff}---\r\na: 1\r\n{}---\r\nBody\r\n", OURS.replace('\n', "\r\n")));
    }

    #[test]
    fn what_only_looks_like_front_matter_is_part_of_the_report() {
        for body in
            ["---\nJust a text between rulers.\n---\n", "---\n{a: 1}\n---\n", "---\na: 1\n", "---\n- item\n---\n"]
        {
            assert_eq!(front_matter(&facts(), body), format!("---\n{OURS}---\n{body}"), "{body}");
        }
    }

    #[test]
    fn no_value_can_break_the_yaml() {
        let facts = FrontMatter {
            trace_id: "a\"\n---\nevil: yes\u{2028}\\\u{85}".into(),
            quality_score: Some(f64::NAN),
            quality_gate: None,
            ..facts()
        };
        let out = front_matter(&facts, "Body");
        assert!(
            out.starts_with("---\ntrace_id: \"a\\\"\\u000a---\\u000aevil: yes\\u2028\\\\\\u0085\"\ngenerated_at"),
            "{out}"
        );
        assert!(out.contains("\nquality_score: null\nquality_gate: \"not_run\"\n---\nBody"), "{out}");
    }
}
