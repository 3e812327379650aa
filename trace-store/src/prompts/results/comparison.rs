use super::Measures;
use crate::statistics::{Confidence, Estimate, mean_difference, mean_ratio, share_difference};
use serde::Serialize;

/// How one version differs from another. `None` where one of them does not say enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The difference of success rates: 0.05 is five percentage points more.
    pub success_rate: Option<Estimate>,
    /// The ratio of mean times, less one: −0.28 is 28 % faster.
    pub response_time: Option<Estimate>,
    /// The ratio of mean tokens, less one.
    pub tokens: Option<Estimate>,
    /// The ratio of mean costs, less one: −0.2 is 20 % cheaper.
    pub cost: Option<Estimate>,
    /// The difference of mean qualities, on the scale of the quality gate.
    pub quality: Option<Estimate>,
    /// How sure the intervals are.
    pub confidence: Confidence,
}

impl Comparison {
    /// How `to` differs from `from`.
    #[must_use]
    pub fn new(from: &Measures, to: &Measures, confidence: Confidence) -> Self {
        Self {
            success_rate: share_difference(from.success, to.success, confidence),
            response_time: mean_ratio(&from.response_time_ms, &to.response_time_ms, confidence),
            tokens: mean_ratio(&from.tokens, &to.tokens, confidence),
            cost: mean_ratio(&from.cost_usd, &to.cost_usd, confidence),
            quality: mean_difference(&from.quality, &to.quality, confidence),
            confidence,
        }
    }
}
