//! The third stage: a brief and a plan in, evidence out: the passages that the answer may use.

mod cutoff;
mod expansion;
mod index;
mod sources;

pub use index::{Hit, Index};

use index::Method;

use crate::choice::Choice;
use crate::corpus::Passage;
use crate::intake::Brief;
use crate::plan::Plan;
use crate::rubric::Rubric;
use serde_json::json;
use whytrace::prelude::*;

/// How many of the best hits say how well a method separates what matches from what does not.
const SEPARATION_DEPTH: usize = 50;

/// How many passages that were not kept are listed one by one; the others are only counted.
const MOST_DROPPED: usize = 20;

/// What was found.
#[derive(Debug)]
pub struct Collection {
    /// The terms that were searched for.
    pub terms: Vec<String>,
    /// What the answer may use, best first.
    pub evidence: Vec<Hit>,
}

impl Collection {
    /// The passages of the evidence, best first.
    pub fn passages<'a>(&self, brief: &'a Brief) -> impl Iterator<Item = &'a Passage> {
        self.evidence.iter().map(|hit| &brief.corpus.passages[hit.passage])
    }
}

/// The stage's decisions and outputs, as declared.
#[derive(TracingComponent)]
#[component(
    name = "collector",
    decisions("retrieval_method_selected", "query_expanded", "source_selected", "evidence_cutoff_chosen"),
    outputs("terms", "evidence")
)]
struct Collector;

/// Collects evidence.
#[traced_stage(
    "collection",
    component = Collector,
    input(query = brief.query, depth = plan.depth),
    output(|found| json!({ "terms": found.terms, "evidence": found.evidence.len() }))
)]
pub fn collect(brief: &Brief, rubric: &Rubric, plan: &Plan) -> Collection {
    let (method, hits) = choose_method(brief);
    let terms = expansion::expand(brief, &hits, plan);
    let hits = if terms == brief.terms { hits } else { brief.index.search(method, &terms) };
    let (from_sources, elsewhere) = sources::select(brief, hits, rubric.sources + plan.extra_sources);
    let (evidence, below) = cutoff::cut(from_sources, plan.depth);
    record_evidence(brief, &evidence, &below, &elsewhere);
    Collection { terms, evidence }
}

/// Asks by every method and chooses the one whose scores separate the best passages from the rest most clearly.
///
/// The spread of the top scores over their mean predicts how good a ranking is without knowing the right answers:
/// normalized query commitment (Shtok, Kurland, Carmel, Raiber, Markovits: *Predicting Query Performance by Query-Drift
/// Estimation*, ACM TOIS 2012), here over the mean of the same scores so that methods compare.
fn choose_method(brief: &Brief) -> (Method, Vec<Hit>) {
    let mut found = Method::ALL.map(|method| (method, brief.index.search(method, &brief.terms)));
    let merit = |(method, hits): &(Method, Vec<Hit>)| (*method, separation(hits));
    let [default, others @ ..] = &found;
    let choice = Choice::between(merit(default), others.iter().map(merit));
    decision!(
        "retrieval_method_selected",
        what = choice.best(),
        why = format!("of all methods it tells the best {SEPARATION_DEPTH} passages apart most clearly"),
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { terms: &brief.terms },
    );
    whytrace::set("retrieval_method", choice.best().to_string());
    let hits = found.iter_mut().find(|(method, _)| method == choice.best()).map(|(_, hits)| std::mem::take(hits));
    (choice.into_best(), hits.unwrap_or_default())
}

/// Tells the trace which passages were kept and which were not, and why.
fn record_evidence(brief: &Brief, kept: &[Hit], below: &[Hit], elsewhere: &[Hit]) {
    let id = |hit: &Hit| brief.corpus.passages[hit.passage].id.as_str();
    let source = |hit: &Hit| brief.corpus.source(hit.passage);
    let below = below.iter().map(|hit| (hit, "below the cutoff"));
    let dropped = below.chain(elsewhere.iter().map(|hit| (hit, "from a source that was not selected")));
    let filtered = dropped.clone().count();

    let mut evidence = Evidence::new().collected((kept.len() + filtered) as u64).retrieved(kept.len() as u64);
    for hit in kept {
        evidence = evidence.source(source(hit), 1).kept(id(hit), source(hit), hit.score, "matches best");
    }
    for (place, (hit, reason)) in dropped.enumerate() {
        evidence = evidence.source(source(hit), 1);
        if place < MOST_DROPPED {
            evidence = evidence.dropped(id(hit), source(hit), hit.score, reason);
        }
    }
    whytrace::evidence(evidence.filtered(filtered as u64));
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
