//! The last stage: a draft in, a verdict out: accept it, or try again and how.

mod principles;
mod retry;

pub use principles::Case;

use crate::choice::Choice;
use crate::plan::{Plan, Strategy};
use std::fmt;
use whytrace::{Gate, GatePolicy, Score};

/// What to do with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is good enough.
    Accept,
    /// It is not.
    Retry,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Retry => "retry",
        })
    }
}

/// What the gate found.
#[derive(Debug)]
pub struct Verdict {
    /// The principles' scores.
    pub scores: Vec<Score>,
    /// Whether they suffice.
    pub gate: Gate,
}

impl Verdict {
    /// How much a principle is below the threshold; 0 for one that is not, or is not known.
    fn missing(&self, id: &str) -> f64 {
        let score = self.scores.iter().find(|score| score.id == id).map_or(self.gate.threshold, |score| score.score);
        (self.gate.threshold - score).max(0.0)
    }
}

/// Judges a draft.
pub fn judge(case: &Case<'_>) -> Verdict {
    let scores = principles::scores(case);
    let gate = GatePolicy { threshold: 2.5, ..GatePolicy::default() }.judge(&scores);
    Verdict { scores, gate }
}

/// Changes the plan for the next iteration.
pub fn replan(verdict: &Verdict, case: &Case<'_>, plan: &Plan, tried: &mut Vec<Strategy>) -> Plan {
    let strategy = retry::choose(verdict, tried);
    tried.push(strategy);
    strategy.apply(plan, case.draft.words() < *case.rubric.words.start())
}

/// How sure a verdict is: the chance that the mean of such scores is on this side of the threshold, by the standard error
/// of the mean and a logistic curve in place of the normal one.
fn certainty(scores: &[Score], gate: &Gate) -> Choice<Outcome> {
    let count = scores.len().max(1) as f64;
    let overall = gate.overall_score.unwrap_or(0.0);
    let variance = scores.iter().map(|score| (score.score - overall).powi(2)).sum::<f64>() / count;
    let standard_error = (variance / count).sqrt().max(0.05);
    let accept = 1.0 / (1.0 + (-1.702 * (overall - gate.threshold) / standard_error).exp());
    Choice::between((Outcome::Accept, accept), [(Outcome::Retry, 1.0 - accept)])
}
