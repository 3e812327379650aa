//! The report: an answer and how it came about in, a Markdown file out.

use crate::error::Error;
use crate::gate::Case;
use crate::gate::Verdict;
use std::fmt::{self, Write};
use std::fs;
use std::path::{Path, PathBuf};

/// What the pipeline leaves behind.
#[derive(Debug)]
pub struct Report {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// How many iterations it took.
    pub iterations: usize,
}

/// Writes the report into a folder.
///
/// # Errors
/// The folder cannot be created or the file not be written.
pub fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = folder.join(format!("report_{name}.md"));
    let wrote = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
    wrote.map_err(|source| Error::Report { path: path.clone(), source })?;
    Ok(path)
}

/// Renders the report.
///
/// # Errors
/// Never in practice: writing into a `String` does not fail.
pub fn render(case: &Case<'_>, verdict: &Verdict) -> Result<String, fmt::Error> {
    let mut text = String::new();
    writeln!(text, "# {}\n", one_line(&case.brief.query))?;
    if case.draft.sentences.is_empty() {
        writeln!(text, "The corpus has no passage that answers this question.\n")?;
    } else {
        writeln!(text, "{}\n", case.draft)?;
    }
    sources(&mut text, case)?;
    writeln!(text, "## Quality\n\n| principle | score | why |\n|---|---|---|")?;
    for score in &verdict.scores {
        let name = score.name.as_deref().unwrap_or(&score.id);
        writeln!(text, "| {name} | {:.2} | {} |", score.score, cell(score.feedback.as_deref().unwrap_or_default()))?;
    }
    Ok(text)
}

/// The cited passages by number, with document and heading.
fn sources(text: &mut String, case: &Case<'_>) -> fmt::Result {
    let cited = |number: &usize| case.draft.sentences.iter().any(|sentence| sentence.citations.contains(number));
    let passages: Vec<_> =
        (1..).zip(case.collection.passages(case.brief)).filter(|(number, _)| cited(number)).collect();
    if !passages.is_empty() {
        writeln!(text, "## Sources\n")?;
        for (number, passage) in passages {
            let heading = if passage.heading.is_empty() { String::new() } else { format!(": {}", passage.heading) };
            writeln!(text, "- [{number}] {}{heading}", passage.id)?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}
