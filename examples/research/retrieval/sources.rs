//! Which documents to take evidence from: hits in, the hits of the best documents out.

use super::index::Hit;
use crate::choice::Choice;
use crate::intake::Brief;
use std::collections::BTreeMap;
use whytrace::prelude::*;

/// How many of its best passages speak for a document: more would favour long documents.
const SPEAKING_PASSAGES: usize = 3;

/// How many documents not selected are named as alternatives.
const RUNNERS_UP: usize = 4;

/// Keeps the hits of the best documents; the second list is the others'. Both stay in order.
pub fn select(brief: &Brief, hits: Vec<Hit>, wanted: usize) -> (Vec<Hit>, Vec<Hit>) {
    let mut ranked = rank(brief, &hits);
    let candidates = ranked.len();
    let others = ranked.split_off(ranked.len().min(wanted));
    let path = |document: usize| brief.corpus.documents[document].path.as_str();
    for &(document, merit) in &ranked {
        // Each source is held against the runners-up, not against the others that were selected too.
        let rivals = others.iter().take(RUNNERS_UP).map(|&(rival, merit)| (path(rival), merit));
        let choice = Choice::between((path(document), merit), rivals);
        decision!(
            "source_selected",
            what = path(document),
            why = format!("its best {SPEAKING_PASSAGES} passages match with {merit:.1} together"),
            confidence = choice.confidence(),
            alternatives = choice.alternatives(),
            inputs = { wanted, candidates },
        );
    }
    let selected = |hit: &Hit| ranked.iter().any(|(document, _)| *document == document_of(brief, hit));
    hits.into_iter().partition(selected)
}

/// Documents by the sum of their best passages' scores, best first; in order of the corpus where that is equal.
fn rank(brief: &Brief, hits: &[Hit]) -> Vec<(usize, f64)> {
    let mut merits = BTreeMap::<usize, (usize, f64)>::new();
    for hit in hits {
        let (passages, merit) = merits.entry(document_of(brief, hit)).or_default();
        if *passages < SPEAKING_PASSAGES {
            *passages += 1;
            *merit += hit.score;
        }
    }
    let mut ranked: Vec<_> = merits.into_iter().map(|(document, (_, merit))| (document, merit)).collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked
}

fn document_of(brief: &Brief, hit: &Hit) -> usize {
    brief.corpus.passages[hit.passage].document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Corpus;

    #[test]
    fn hits_of_the_best_documents_are_kept_in_order() {
        let mut corpus = Corpus::default();
        for name in ["a", "b", "c"] {
            corpus.add(format!("{name}.md"), &format!("Words of {name}."));
        }
        let brief = Brief::new("words", corpus);
        let hits = [(1, 5.0), (0, 3.0), (2, 1.0)].map(|(passage, score)| Hit { passage, score });
        let (kept, dropped) = select(&brief, hits.to_vec(), 2);
        assert_eq!((kept, dropped), (hits[..2].to_vec(), hits[2..].to_vec()));
        assert_eq!(select(&brief, Vec::new(), 2), (Vec::new(), Vec::new()));
    }
}
