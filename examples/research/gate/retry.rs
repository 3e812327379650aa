//! What to do differently next time: the gate's gaps and what was tried in, a strategy out.

use super::Verdict;
use crate::choice::Choice;
use crate::plan::Strategy;

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
pub fn choose(verdict: &Verdict, tried: &[Strategy]) -> Strategy {
    let merit = |strategy: Strategy| {
        let missing = |id: &&str| verdict.missing(id);
        let times = tried.iter().filter(|other| **other == strategy).count();
        (strategy, improves(strategy).iter().map(missing).sum::<f64>() * WORN.powi(times as i32))
    };
    let [default, others @ ..] = Strategy::ALL;
    Choice::between(merit(default), others.map(merit)).into_best()
}
