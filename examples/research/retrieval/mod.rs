//! The third stage: a brief and a plan in, evidence out: the passages that the answer may use.

mod cutoff;
mod expansion;
mod index;
mod sources;

pub use index::{Hit, Index, Method};

use crate::choice::Choice;
use crate::corpus::Passage;
use crate::intake::Brief;
use crate::plan::Plan;
use crate::rubric::Rubric;

/// How many of the best hits say how well a method separates what matches from what does not.
const SEPARATION_DEPTH: usize = 50;

/// What was found.
#[derive(Debug)]
pub struct Collection {
    /// The terms that were searched for.
    pub terms: Vec<String>,
    /// How they were searched for.
    pub method: Method,
    /// How many passages matched at all.
    pub matched: usize,
    /// What the answer may use, best first.
    pub evidence: Vec<Hit>,
}

impl Collection {
    /// The passages of the evidence, best first.
    pub fn passages<'a>(&self, brief: &'a Brief) -> impl Iterator<Item = &'a Passage> {
        self.evidence.iter().map(|hit| &brief.corpus.passages[hit.passage])
    }
}

/// Collects evidence.
pub fn collect(brief: &Brief, rubric: &Rubric, plan: &Plan) -> Collection {
    let method = choose_method(brief);
    let terms = expansion::expand(brief, method, plan);
    let hits = brief.index.search(method, &terms);
    let matched = hits.len();
    let (from_sources, _) = sources::select(brief, hits, rubric.sources + plan.extra_sources);
    let (evidence, _) = cutoff::cut(from_sources, plan.depth);
    Collection { terms, method, matched, evidence }
}

/// Chooses the method whose scores separate the best passages from the rest most clearly.
///
/// The spread of the top scores over their mean predicts how good a ranking is without knowing the right answers:
/// normalized query commitment (Shtok, Kurland, Carmel, Raiber, Markovits: *Predicting Query Performance by Query-Drift
/// Estimation*, ACM TOIS 2012), here over the mean of the same scores so that methods compare.
fn choose_method(brief: &Brief) -> Method {
    let merit = |method: Method| (method, separation(&brief.index.search(method, &brief.terms)));
    let [default, others @ ..] = Method::ALL;
    Choice::between(merit(default), others.map(merit)).into_best()
}

fn separation(hits: &[Hit]) -> f64 {
    let top = &hits[..hits.len().min(SEPARATION_DEPTH)];
    if top.is_empty() {
        return 0.0;
    }
    let mean = top.iter().map(|hit| hit.score).sum::<f64>() / top.len() as f64;
    let variance = top.iter().map(|hit| (hit.score - mean).powi(2)).sum::<f64>() / top.len() as f64;
    variance.sqrt() / mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_far_apart_separate_better_than_equal_ones() {
        let hits = |scores: &[f64]| -> Vec<_> { scores.iter().map(|&score| Hit { passage: 0, score }).collect() };
        assert!(separation(&hits(&[9.0, 1.0, 1.0])) > separation(&hits(&[5.0, 4.0, 4.0])));
        assert_eq!(separation(&hits(&[])), 0.0);
        assert_eq!(separation(&hits(&[2.0, 2.0])), 0.0);
    }
}
