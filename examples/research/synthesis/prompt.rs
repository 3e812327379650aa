//! The prompt: question and evidence in, the messages for a model out, within a budget of tokens.

use crate::error::Error;
use crate::intake::Brief;
use crate::plan::Plan;
use crate::retrieval::Collection;
use crate::rubric::Rubric;
use crate::tokens;
use std::fmt::Write;

/// How many tokens of evidence a prompt may carry: fits the smallest context windows in use.
const EVIDENCE_TOKENS: usize = 6_000;

pub struct Rendered {
    pub system: String,
    pub text: String,
}

const SYSTEM: &str = "You answer questions from numbered passages and from nothing else.";
const TEMPLATE: &str = "\
Answer in about {{words}} words of plain English. End every sentence with the number of the passage it rests on, such as [2]. \
Leave out what the passages do not say.

Question: {{query}}

Passages:
{{evidence}}";

/// Renders the prompt.
pub fn render(brief: &Brief, rubric: &Rubric, plan: &Plan, collection: &Collection) -> Result<Rendered, Error> {
    let words = (*rubric.words.end() as f64 * 0.75 * plan.length).round() as usize;
    let text = TEMPLATE
        .replace("{{words}}", &words.to_string())
        .replace("{{query}}", &brief.query)
        .replace("{{evidence}}", &evidence(brief, collection));
    Ok(Rendered { system: SYSTEM.to_owned(), text })
}

/// The passages with their numbers, best first, as many as the budget allows.
fn evidence(brief: &Brief, collection: &Collection) -> String {
    let mut text = String::new();
    let mut budget = EVIDENCE_TOKENS;
    for (passage, number) in collection.passages(brief).zip(1..) {
        let entry = format!("[{number}] {} ({})\n{}\n\n", passage.id, passage.heading, passage.text);
        let Some(left) = budget.checked_sub(tokens::count(&entry)) else { break };
        budget = left;
        let _ = text.write_str(&entry);
    }
    text
}
