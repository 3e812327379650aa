//! What to do differently next time: the gate's gaps and what was tried in, a strategy out.

use crate::choice::Choice;
use crate::plan::{Iterations, Strategy};
use whytrace::Gate;
use whytrace::prelude::*;

/// What a strategy that was tried is worth when it is tried again, of what it was worth before.
const WORN: f64 = 0.4;

/// The principles that a strategy can improve.
fn improves(strategy: Strategy) -> &'static [&'static str] {
    match strategy {
        Strategy::Broaden => &["coverage", "focus", "length"],
        Strategy::Diversify => &["diversity", "coverage"],
        Strategy::Focus => &["focus", "groundedness"],
        Strategy::Resize => &["length"],
        Strategy::Vary => &["concision"],
        Strategy::Quote => &["groundedness", "citations"],
    }
}

/// Chooses the strategy that can close most of the gaps, less so the more often it was tried.
pub fn choose(scores: &[Score], gate: &Gate, iterations: &Iterations) -> Strategy {
    let missing = |id: &&str| {
        let score = scores.iter().find(|score| score.id == *id).map_or(gate.threshold, |score| score.score);
        (gate.threshold - score).max(0.0)
    };
    let merit = |strategy: Strategy| {
        let worn = WORN.powi(iterations.times_tried(strategy));
        (strategy, worn * improves(strategy).iter().map(missing).sum::<f64>())
    };
    let [default, others @ ..] = Strategy::ALL;
    let choice = Choice::between(merit(default), others.map(merit));
    decision!(
        "retry_strategy_selected",
        what = choice.best(),
        why = format!("closes most of the gaps {}", gate.gaps.join(", ")),
        confidence = choice.confidence(),
        alternatives = choice.alternatives(),
        inputs = { gaps: &gate.gaps, iterations_left: iterations.left() },
    );
    choice.into_best()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(gaps: &[(&str, f64)], iterations: &Iterations) -> Strategy {
        let scores: Vec<_> = gaps.iter().map(|&(id, score)| Score::new(id, score)).collect();
        choose(&scores, &whytrace::GatePolicy::default().judge(&scores), iterations)
    }

    #[test]
    fn the_strategy_fits_the_gap() {
        let iterations = Iterations::new(3);
        assert_eq!(chosen(&[("coverage", 0.5), ("length", 1.0)], &iterations), Strategy::Broaden);
        assert_eq!(chosen(&[("diversity", 1.0)], &iterations), Strategy::Diversify);
        assert_eq!(chosen(&[("concision", 0.0)], &iterations), Strategy::Vary);
        assert_eq!(chosen(&[("citations", 0.0)], &iterations), Strategy::Quote);
    }

    #[test]
    fn what_was_tried_in_vain_wears_off() {
        let mut iterations = Iterations::new(5);
        let gaps = [("coverage", 0.0), ("diversity", 1.0)];
        assert_eq!(chosen(&gaps, &iterations), Strategy::Diversify);
        iterations.next(Strategy::Diversify, false);
        assert_eq!(chosen(&gaps, &iterations), Strategy::Broaden);
    }
}
