//! Where good evidence ends: ranked hits in, those above the cutoff and those below out.

use super::index::Hit;
use crate::choice::Choice;
use whytrace::prelude::*;

/// At least so many passages are kept, if there are as many.
const FEWEST: usize = 2;

/// Cuts where the scores drop most, relative to the score before the drop, but after `depth` hits at the latest.
pub fn cut(mut hits: Vec<Hit>, depth: usize) -> (Vec<Hit>, Vec<Hit>) {
    let latest = depth.min(hits.len());
    let drop_after = |kept: usize| {
        let (last, next) = (hits[kept - 1].score, hits.get(kept).map_or(0.0, |hit| hit.score));
        // Keeping more is worth something too, else a drop of 5 % after 3 hits would win against one of 4 % after 12.
        (kept, (last - next) / last * (kept as f64).sqrt())
    };
    let candidates: Vec<_> = (FEWEST.min(latest)..=latest).filter(|kept| *kept > 0).map(drop_after).collect();
    let Some((&deepest, others)) = candidates.split_last() else { return (Vec::new(), hits) };
    let choice = Choice::between(deepest, others.iter().copied());
    decision!(
        "evidence_cutoff_chosen",
        what = choice.best(),
        why = "after this many passages the scores drop most, for what is kept",
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { depth, hits: hits.len() },
    );
    let below = hits.split_off(*choice.best());
    (hits, below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(scores: &[f64], depth: usize) -> usize {
        cut(scores.iter().map(|&score| Hit { passage: 0, score }).collect(), depth).0.len()
    }

    #[test]
    fn evidence_ends_where_scores_drop_most() {
        assert_eq!(kept(&[9.0, 8.8, 8.6, 8.5, 2.0, 1.9, 1.8], 6), 4);
    }

    #[test]
    fn without_a_drop_the_depth_decides() {
        assert_eq!(kept(&[5.0; 20], 6), 6);
        assert_eq!(kept(&[5.0; 2], 6), 2);
        assert_eq!(kept(&[], 6), 0);
    }
}
