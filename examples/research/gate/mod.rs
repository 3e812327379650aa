//! The last stage: a draft in, a verdict out: accept it, or try again and how.

mod principles;
mod retry;

pub use principles::Case;

use crate::choice::Choice;
use crate::plan::Iterations;
use serde_json::json;
use std::fmt;
use whytrace::prelude::*;
use whytrace::{Gate, GatePolicy};

/// Extracts are always grounded and always cite: at the usual threshold of 2.0 they would hardly ever fail.
const THRESHOLD: f64 = 2.5;

/// How far a mean of so few scores is off at least.
const LEAST_ERROR: f64 = 0.05;

/// What to do with a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is good enough.
    Accept,
    /// It is not.
    Reject,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
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
    /// Whether another iteration has been planned.
    pub retry: bool,
}

/// The stage's decisions and outputs, as declared.
#[derive(TracingComponent)]
#[component(name = "quality_gate", decisions("gate_verdict", "retry_strategy_selected"), outputs("passed", "retry"))]
struct QualityGate;

/// Judges a draft, and plans another iteration if it falls through and one is left.
#[traced_stage(
    "quality_gate",
    component = QualityGate,
    input(iteration = iterations.number()),
    output(|verdict| json!({ "passed": verdict.gate.passed(), "retry": verdict.retry }))
)]
pub fn judge(case: &Case<'_>, iterations: &mut Iterations) -> Verdict {
    let scores = principles::scores(case);
    let policy = GatePolicy { threshold: THRESHOLD, ..GatePolicy::default() };
    let gate = whytrace::quality_gate_by(&policy, &scores);
    let certainty = certainty(&scores, &gate);
    decision!(
        "gate_verdict",
        what = certainty.best(),
        why = format!("{:.2} of {}, {THRESHOLD} are needed", gate.overall_score.unwrap_or_default(), policy.scale),
        confidence = certainty.confidence(),
        alternatives = certainty.alternatives(),
        inputs = { threshold: THRESHOLD, gaps: &gate.gaps },
    );
    whytrace::set("principle_breakdown", breakdown(&scores));

    let retry = !gate.passed() && iterations.left() > 0;
    if retry {
        let strategy = retry::choose(&scores, &gate, iterations);
        iterations.next(strategy, case.draft.words() < *case.rubric.words.start());
    }
    Verdict { scores, gate, retry }
}

/// How sure the verdict is: the chance that the mean of such scores is on this side of the threshold, by the standard
/// error of the mean and a logistic curve in place of the normal one (1.702 brings the two closest).
fn certainty(scores: &[Score], gate: &Gate) -> Choice<Outcome> {
    let count = scores.len().max(1) as f64;
    let overall = gate.overall_score.unwrap_or_default();
    let variance = scores.iter().map(|score| (score.score - overall).powi(2)).sum::<f64>() / count;
    let error = (variance / count).sqrt().max(LEAST_ERROR);
    let accept = 1.0 / (1.0 + (-1.702 * (overall - gate.threshold) / error).exp());
    Choice::between((Outcome::Accept, accept), [(Outcome::Reject, 1.0 - accept)])
}

/// The scores with their feedback, as a column of the run shows them.
fn breakdown(scores: &[Score]) -> serde_json::Value {
    scores.iter().map(|score| (score.id.clone(), json!({ "score": score.score, "feedback": score.feedback }))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certain(values: &[f64]) -> Choice<Outcome> {
        let scores: Vec<_> = values.iter().map(|&value| Score::new("p", value)).collect();
        let gate = GatePolicy { threshold: THRESHOLD, ..GatePolicy::default() }.judge(&scores);
        assert_eq!(gate.passed(), *certainty(&scores, &gate).best() == Outcome::Accept, "{values:?}");
        certainty(&scores, &gate)
    }

    #[test]
    fn a_verdict_is_surer_the_further_from_the_threshold_and_the_more_the_scores_agree() {
        assert!(certain(&[3.0, 3.0, 3.0]).confidence() > certain(&[3.0, 2.0, 3.0]).confidence());
        assert!(certain(&[0.0, 0.0]).confidence() > 0.99);
        assert!(certain(&[2.6, 2.6, 2.6]).confidence() > certain(&[3.0, 1.8, 3.0]).confidence());
        assert_eq!(certain(&[2.5]).confidence(), 0.5);
    }
}
