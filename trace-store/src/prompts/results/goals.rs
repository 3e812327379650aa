use super::Measures;
use crate::statistics::{
    Confidence, Estimate, Power, mean_difference, mean_difference_at_any_time, mean_ratio, mean_ratio_at_any_time,
    sample_size_for_means, sample_size_for_shares, share_difference, share_difference_at_any_time,
};
use serde::{Deserialize, Serialize};

/// What is compared between the arms of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of executions that did what they should; more is better.
    SuccessRate,
    /// The mean time; less is better.
    ResponseTime,
    /// The mean cost; less is better.
    Cost,
    /// The mean quality of the runs; more is better.
    Quality,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SuccessRate, Self::ResponseTime, Self::Cost, Self::Quality];

    /// What it is called.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::SuccessRate => "success rate",
            Self::ResponseTime => "latency",
            Self::Cost => "cost",
            Self::Quality => "quality",
        }
    }

    /// Whether a difference with this sign is one for the better.
    pub(super) fn is_better(self, difference: f64) -> bool {
        match self {
            Self::SuccessRate | Self::Quality => difference > 0.0,
            Self::ResponseTime | Self::Cost => difference < 0.0,
        }
    }
}

/// The smallest differences worth finding, and how surely. Say them before you start: they decide how long an experiment has to run.
///
/// ```
/// use trace_store::prompts::Goals;
/// let goals = Goals { cost: 0.05, ..Goals::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Goals {
    /// Of the success rate: 0.05, five percentage points.
    pub success_rate: f64,
    /// Of the mean time: 0.1, a tenth of it.
    pub response_time: f64,
    /// Of the mean cost: 0.1, a tenth of it.
    pub cost: f64,
    /// Of the mean quality: 0.2 on the scale of the quality gate.
    pub quality: f64,
    /// How sure all intervals of a result are together.
    pub confidence: Confidence,
    /// How surely a difference of this size is found.
    pub power: Power,
}

impl Default for Goals {
    fn default() -> Self {
        Self {
            success_rate: 0.05,
            response_time: 0.1,
            cost: 0.1,
            quality: 0.2,
            confidence: Confidence::DEFAULT,
            power: Power::DEFAULT,
        }
    }
}

/// What the samples of two arms say of one metric.
pub(super) struct Found {
    /// With the ordinary interval.
    pub(super) fixed: Option<Estimate>,
    /// With the interval that holds at every look.
    pub(super) any_time: Option<Estimate>,
    /// How many values either arm needs.
    pub(super) needed: Option<u64>,
    /// How many values each arm has.
    pub(super) n: [u64; 2],
}

impl Goals {
    /// Compares an arm with the control, at a confidence that is shared with other comparisons.
    pub(super) fn compare(&self, metric: Metric, control: &Measures, arm: &Measures, confidence: Confidence) -> Found {
        let power = self.power;
        let relative = |smallest: f64, one: &crate::statistics::Moments, other: &crate::statistics::Moments| Found {
            fixed: mean_ratio(one, other, confidence),
            any_time: mean_ratio_at_any_time(one, other, smallest, confidence),
            needed: sample_size_for_means(smallest.ln_1p(), one.variance.sqrt() / one.mean, confidence, power),
            n: [one.n, other.n],
        };
        match metric {
            Metric::ResponseTime => relative(self.response_time, &control.response_time_ms, &arm.response_time_ms),
            Metric::Cost => relative(self.cost, &control.cost_usd, &arm.cost_usd),
            Metric::Quality => Found {
                fixed: mean_difference(&control.quality, &arm.quality, confidence),
                any_time: mean_difference_at_any_time(&control.quality, &arm.quality, self.quality, confidence),
                needed: sample_size_for_means(self.quality, control.quality.variance.sqrt(), confidence, power),
                n: [control.quality.n, arm.quality.n],
            },
            Metric::SuccessRate => {
                let (one, other, smallest) = (control.success, arm.success, self.success_rate);
                // Towards the middle: a difference is hardest to find there.
                let to = |share: f64| if share > 0.5 { share - smallest } else { share + smallest };
                let needed = |share| sample_size_for_shares(share, to(share), confidence, power);
                Found {
                    fixed: share_difference(one, other, confidence),
                    any_time: share_difference_at_any_time(one, other, smallest, confidence),
                    needed: one.value().and_then(needed),
                    n: [one.n, other.n],
                }
            }
        }
    }
}
