//! What a difference is worth: estimates with their interval, their p-value, and the sample size it takes.
//!
//! Comes in: counts, and means with their variances, as the databases aggregate them ([`Moments`], [`Share`]); never single rows, so a
//! million executions cost no more than ten. Goes out: an [`Estimate`], or `None` where the sample says nothing (fewer than two
//! values, a mean of zero to divide by). Nothing here reads a clock, a file or random numbers: the same sample gives the same answer.
//!
//! | question | function | method |
//! |---|---|---|
//! | how much higher is this mean | [`mean_difference`] | Welch's t |
//! | how much higher in percent | [`mean_ratio`] | Welch's t on the logarithm (delta method) |
//! | is this mean what it should be | [`mean_against`] | one-sample t |
//! | how much more often does it work | [`share_difference`] | Newcombe's hybrid score interval; Fisher's exact test or the pooled z test |
//! | how often does it work | [`Share::interval`] | Wilson's score interval |
//! | how many more are needed | [`sample_size_for_means`], [`sample_size_for_shares`] | equal groups, two-sided |
//! | may one look before the end | [`Estimate::always_valid`], `…_at_any_time` | mixture sequential test |
//! | what do p percent stay below | [`quantile`] | linear interpolation, as `percentile_cont` |
//!
//! Every method is checked against scipy 1.17 or statsmodels 0.15; the tests name the call. The distributions are those of `statrs`.

pub(crate) mod buckets;
mod distribution;
mod means;
mod quantile;
mod sample_size;
mod sequential;
mod shares;

pub use means::{
    Moments, mean_against, mean_difference, mean_difference_at_any_time, mean_ratio, mean_ratio_at_any_time,
};
pub use quantile::quantile;
pub use sample_size::{Power, sample_size_for_means, sample_size_for_shares};
pub use shares::{Share, share_difference, share_difference_at_any_time};

use serde::{Deserialize, Serialize};

/// A range that holds the true value with a given confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the value lies inside; the ends do.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// What a sample says about a value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The most likely value.
    pub value: f64,
    /// Where the true value is, at the confidence asked for.
    pub interval: Interval,
    /// How often a sample this far from "no difference" or farther comes by chance alone, 0..=1.
    pub p_value: f64,
}

impl Estimate {
    /// Whether the interval leaves out zero: at its confidence, there is a difference.
    #[must_use]
    pub fn is_distinct(&self) -> bool {
        !self.interval.contains(0.0)
    }

    /// An estimate of a logarithm as one of the share by which something is higher.
    fn exp(self) -> Option<Self> {
        Self::of(self.value.exp_m1(), self.interval.low.exp_m1(), self.interval.high.exp_m1(), self.p_value)
    }

    /// `None` when any of its numbers is not finite.
    fn of(value: f64, low: f64, high: f64, p_value: f64) -> Option<Self> {
        let finite = [value, low, high, p_value].iter().all(|number| number.is_finite());
        finite.then_some(Self { value, interval: Interval { low, high }, p_value: p_value.clamp(0.0, 1.0) })
    }
}

/// How sure an interval is: between 0 and 1, both excluded; 0.95 by default.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

/// A number that is no confidence.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a confidence lies between 0 and 1, both excluded, such as 0.95; not {0}")]
pub struct ConfidenceError(f64);

impl Confidence {
    /// 95 %.
    pub const DEFAULT: Self = Self(0.95);

    /// A confidence such as 0.95.
    ///
    /// # Errors
    /// When it does not lie between 0 and 1.
    pub fn new(level: f64) -> Result<Self, ConfidenceError> {
        (level > 0.0 && level < 1.0).then_some(Self(level)).ok_or(ConfidenceError(level))
    }

    /// As a share, 0.95.
    #[must_use]
    pub fn level(self) -> f64 {
        self.0
    }

    /// The share of intervals that miss the true value: 0.05 at 95 %.
    #[must_use]
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }

    /// The confidence that holds for `comparisons` intervals at once (Bonferroni): 95 % for five is 99 % for each.
    #[must_use]
    pub fn shared_by(self, comparisons: u32) -> Self {
        Self(1.0 - self.alpha() / f64::from(comparisons.max(1)))
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<f64> for Confidence {
    type Error = ConfidenceError;

    fn try_from(level: f64) -> Result<Self, ConfidenceError> {
        Self::new(level)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_a_share_between_nothing_and_certainty() {
        for wrong in [0.0, 1.0, -0.1, 95.0, f64::NAN] {
            assert!(Confidence::new(wrong).is_err(), "{wrong}");
        }
        assert!((Confidence::DEFAULT.shared_by(5).level() - 0.99).abs() < 1e-12);
        assert_eq!(Confidence::DEFAULT.shared_by(0), Confidence::DEFAULT);
        assert!(serde_json::from_str::<Confidence>("95").is_err());
    }

    #[test]
    fn numbers_that_say_nothing_are_no_estimate() {
        assert_eq!(Estimate::of(1.0, f64::NEG_INFINITY, 2.0, 0.5), None);
        assert_eq!(Estimate::of(f64::NAN, 0.0, 2.0, 0.5), None);
        assert!(!Estimate::of(1.0, 0.0, 2.0, 0.05).unwrap().is_distinct());
        assert!(Estimate::of(1.0, 0.1, 2.0, 0.04).unwrap().is_distinct());
    }
}
