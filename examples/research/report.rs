//! The report: an answer and how good it is in, a Markdown file that names its trace out.

use crate::error::Error;
use crate::gate::{Case, Verdict};
use crate::places::Places;
use crate::text::printable;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use whytrace::event::FileWrite;
use whytrace::files::{FrontMatter, front_matter};
use whytrace::model::Timestamp;

/// What the pipeline leaves behind.
#[derive(Debug)]
pub struct Report {
    /// The trace that explains it; none if tracing is off.
    pub trace_id: Option<String>,
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Writes the report of a run.
///
/// # Errors
/// The folder cannot be created or the file not be written.
pub fn write(places: &Places, case: &Case<'_>, verdict: &Verdict) -> Result<Report, Error> {
    let trace_id = whytrace::trace_id();
    let mut text = render(case, verdict);
    if let Some(trace_id) = trace_id.clone() {
        let generated_at = Timestamp::now();
        let (quality_score, quality_gate) = (verdict.gate.overall_score, verdict.gate.passing);
        text = front_matter(&FrontMatter { trace_id, generated_at, quality_score, quality_gate }, &text);
    }
    let path = places.report(trace_id.as_deref());
    save(&path, &text)?;
    whytrace::output("report_file_path", &path);
    whytrace::output("output_file_paths", [&path]);
    whytrace::file_write(FileWrite {
        path: path.display().to_string(),
        bytes: Some(text.len() as u64),
        content: Some(text.clone()),
        ..FileWrite::default()
    });
    Ok(Report { trace_id, path, text })
}

fn save(path: &Path, text: &str) -> Result<(), Error> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|source| Error::Report { path: path.to_owned(), source })
}

fn render(case: &Case<'_>, verdict: &Verdict) -> String {
    let answer = match case.draft.sentences.len() {
        0 => "The corpus has no passage that answers this question.".to_owned(),
        _ => case.draft.to_string(),
    };
    let mut text = format!("# {}\n\n{answer}\n\n", one_line(&case.brief.query));
    let cited = case.draft.citations();
    if !cited.is_empty() {
        text.push_str("## Sources\n\n");
    }
    for (passage, number) in case.collection.passages(case.brief).zip(1..).filter(|(_, number)| cited.contains(number))
    {
        let separator = if passage.heading.is_empty() { "" } else { ": " };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "- [{number}] {}{separator}{}", passage.id, passage.heading);
    }
    text.push_str("\n## Quality\n\n| principle | score | why |\n|---|---|---|\n");
    for score in &verdict.scores {
        let (name, why) = (score.name.as_deref().unwrap_or(&score.id), score.feedback.as_deref().unwrap_or_default());
        let _ = writeln!(text, "| {name} | {:.2} | {} |", score.score, one_line(why).replace('|', "\\|"));
    }
    text
}

fn one_line(text: &str) -> String {
    printable(text).split_whitespace().collect::<Vec<_>>().join(" ")
}
