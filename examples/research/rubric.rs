//! The second stage: what a good answer to this question is.

use crate::choice::Choice;
use crate::intake::{Brief, Intent};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use whytrace::prelude::*;

/// What a good answer is: how long, and from how many sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Rubric {
    /// Its name.
    pub name: &'static str,
    /// The kind of question that it is for.
    pub intent: Intent,
    /// How many words the answer should have.
    pub words: RangeInclusive<usize>,
    /// How many sources it should cite at least.
    pub sources: usize,
}

impl fmt::Display for Rubric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The stage's decisions and outputs, as declared.
#[derive(TracingComponent)]
#[component(name = "rubric", decisions("rubric_selected"), outputs("rubric"))]
struct RubricLibrary;

const RUBRICS: [Rubric; 5] = [
    Rubric { name: "explanation", intent: Intent::Explaining, words: 90..=220, sources: 3 },
    Rubric { name: "comparison", intent: Intent::Comparing, words: 110..=260, sources: 4 },
    Rubric { name: "fact_check", intent: Intent::Validating, words: 50..=140, sources: 2 },
    Rubric { name: "survey", intent: Intent::Surveying, words: 150..=320, sources: 5 },
    Rubric { name: "lookup", intent: Intent::Locating, words: 20..=90, sources: 1 },
];

/// Selects a rubric: the likelier its intent, and the better the corpus can give it the sources it demands.
#[traced_stage("rubric", component = RubricLibrary, output(|rubric| json!({ "rubric": rubric.name })))]
pub fn select(brief: &Brief) -> Rubric {
    let available = sources_with_a_match(brief);
    let merit = |rubric: &Rubric| {
        let feasible = (available as f64 / rubric.sources as f64).min(1.0);
        (rubric.clone(), brief.intent.share_of(&rubric.intent) * (0.25 + 0.75 * feasible))
    };
    let choice = Choice::between(merit(&RUBRICS[0]), RUBRICS[1..].iter().map(merit));
    let rubric = choice.best();
    decision!(
        "rubric_selected",
        what = rubric,
        why = format!("for {} questions; {available} documents can be cited, it asks for {}", rubric.intent, rubric.sources),
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { intent: brief.intent.best().to_string(), available },
    );
    whytrace::set_report_type(rubric);
    whytrace::set("rubric_scores", choice.shares());
    choice.into_best()
}

/// How many documents contain any term of the question.
fn sources_with_a_match(brief: &Brief) -> usize {
    let matches = brief.corpus.passages.iter().filter(|passage| brief.terms.iter().any(|t| passage.terms.contains(t)));
    matches.map(|passage| passage.document).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;

    fn corpus(documents: usize) -> Corpus {
        let mut corpus = Corpus::default();
        for number in 0..documents {
            corpus.add(format!("{number}.md"), &format!("Trace number {number} is here."));
        }
        corpus
    }

    #[test]
    fn the_rubric_fits_the_intent() {
        assert_eq!(select(&Brief::new("How does a trace work?", corpus(5))).name, "explanation");
        assert_eq!(select(&Brief::new("List all traces, every option", corpus(5))).name, "survey");
    }

    #[test]
    fn a_rubric_that_the_corpus_cannot_satisfy_loses_against_a_close_one() {
        let query = "Which trace, and where?";
        assert_eq!(select(&Brief::new(query, corpus(8))).name, "survey");
        assert_eq!(select(&Brief::new(query, corpus(1))).name, "lookup");
    }
}
