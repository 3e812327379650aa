//! Query expansion by pseudo-relevance feedback: terms that the best passages share are added to the question.

use super::index::Hit;
use crate::choice::Choice;
use crate::intake::Brief;
use crate::plan::Plan;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use whytrace::prelude::*;

/// How many of the best passages give feedback.
const FEEDBACK_PASSAGES: usize = 8;

/// How many terms are added when the question alone finds too little.
const DEFAULT_TERMS: usize = 4;

/// Whether to add terms to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// Ask as the user did.
    Verbatim,
    /// Ask for related terms too.
    Feedback,
}

impl fmt::Display for Expansion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verbatim => "verbatim",
            Self::Feedback => "feedback_terms",
        })
    }
}

/// The terms to search for: those of the question, and what feedback from its `hits` adds.
pub fn expand(brief: &Brief, hits: &[Hit], plan: &Plan) -> Vec<String> {
    let clarity = clarity(brief, hits);
    // A retry that asks for more terms outweighs even a question that finds everything.
    let insistence = 2.0 * plan.extra_terms as f64 / DEFAULT_TERMS as f64;
    let choice = Choice::between((Expansion::Verbatim, clarity), [(Expansion::Feedback, 1.0 - clarity + insistence)]);
    let added = match choice.best() {
        Expansion::Verbatim => Vec::new(),
        Expansion::Feedback => related_terms(brief, hits, plan.extra_terms.max(DEFAULT_TERMS)),
    };
    decision!(
        "query_expanded",
        what = choice.best(),
        why = format!("the best passages have {:.0} % of the question; added: [{}]", clarity * 100.0, added.join(", ")),
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { terms: &brief.terms, clarity, extra_terms: plan.extra_terms },
    );
    brief.terms.iter().cloned().chain(added).collect()
}

/// How much of the question, by weight, the best passages together have: 0 for nothing, 1 for all of it.
fn clarity(brief: &Brief, hits: &[Hit]) -> f64 {
    let found: Vec<_> = hits.iter().take(FEEDBACK_PASSAGES).flat_map(|hit| terms_of(brief, hit).to_vec()).collect();
    brief.space.coverage(&brief.terms, &found)
}

/// Terms of the best passages that are not in the question, by how telling they are and how much they are used there.
fn related_terms(brief: &Brief, hits: &[Hit], limit: usize) -> Vec<String> {
    let asked: HashSet<_> = brief.terms.iter().collect();
    let best = hits.first().map_or(1.0, |hit| hit.score);
    let mut weights = BTreeMap::<&String, (usize, f64)>::new();
    for hit in hits.iter().take(FEEDBACK_PASSAGES) {
        let terms: HashSet<_> = terms_of(brief, hit).iter().filter(|term| !asked.contains(term)).collect();
        for term in terms {
            let (passages, weight) = weights.entry(term).or_default();
            *passages += 1;
            *weight += brief.space.idf(term) * hit.score / best;
        }
    }
    // A term of a single passage may be anything; one that two share is about the question.
    let mut shared: Vec<_> = weights.into_iter().filter(|(_, (passages, _))| *passages > 1).collect();
    shared.sort_by(|(_, (_, a)), (_, (_, b))| b.total_cmp(a));
    shared.into_iter().take(limit).map(|(term, _)| term.clone()).collect()
}

fn terms_of<'a>(brief: &'a Brief, hit: &Hit) -> &'a [String] {
    &brief.corpus.passages[hit.passage].terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;
    use crate::retrieval::index::Method;

    fn brief(query: &str) -> Brief {
        let mut corpus = Corpus::default();
        corpus.add("a.md".into(), "A crash leaves a journal that recovery replays.");
        corpus.add("b.md".into(), "After the crash, recovery reads the journal again.");
        corpus.add("c.md".into(), "Something else, about colours.");
        Brief::new(query, corpus)
    }

    fn expanded(query: &str, plan: &Plan) -> Vec<String> {
        let brief = brief(query);
        expand(&brief, &brief.index.search(Method::Bm25, &brief.terms), plan)
    }

    #[test]
    fn a_question_that_finds_everything_is_asked_as_it_is() {
        assert_eq!(expanded("crash recovery", &Plan::default()), ["crash", "recoveri"]);
    }

    #[test]
    fn a_question_that_finds_little_gains_what_the_best_passages_share() {
        let terms = expanded("crash of the zxqv module", &Plan::default());
        assert_eq!(terms, ["crash", "zxqv", "modul", "journal", "recoveri"]);
    }

    #[test]
    fn a_retry_can_insist_and_nothing_is_made_up_without_a_match() {
        let insisting = Plan { extra_terms: 4, ..Plan::default() };
        assert_eq!(expanded("crash", &insisting), ["crash", "journal", "recoveri"]);
        assert_eq!(expanded("zxqv", &insisting), ["zxqv"]);
    }
}
