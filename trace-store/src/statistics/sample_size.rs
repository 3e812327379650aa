use super::distribution::{t_quantile, z_quantile};
use super::{Confidence, ConfidenceError};
use serde::{Deserialize, Serialize};

/// More than this is no answer anybody can act on.
const MOST: f64 = 1e12;

/// How often a difference that is there is found: between 0 and 1; 0.8 by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Power(f64);

impl Power {
    /// 80 %.
    pub const DEFAULT: Self = Self(0.8);

    /// A power such as 0.8.
    ///
    /// # Errors
    /// When it does not lie between 0 and 1.
    pub fn new(level: f64) -> Result<Self, ConfidenceError> {
        Confidence::new(level).map(|level| Self(level.level()))
    }

    /// As a share, 0.8.
    #[must_use]
    pub fn level(self) -> f64 {
        self.0
    }
}

impl Default for Power {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<f64> for Power {
    type Error = ConfidenceError;

    fn try_from(level: f64) -> Result<Self, ConfidenceError> {
        Self::new(level)
    }
}

impl From<Power> for f64 {
    fn from(power: Power) -> Self {
        power.0
    }
}

/// How many values each of two equal groups needs, so that a difference of their means by `difference` is found where values have
/// the standard deviation `deviation`.
///
/// Student's t at both ends, solved for n: within one of the noncentral t of `TTestIndPower`. At least 2. `None` when the difference is
/// zero, or nobody could ever collect as many.
#[must_use]
pub fn sample_size_for_means(difference: f64, deviation: f64, confidence: Confidence, power: Power) -> Option<u64> {
    let spread = (deviation / difference).powi(2);
    let ends = |freedom: Option<f64>| {
        let quantile = |p| freedom.map_or_else(|| Some(z_quantile(p)), |freedom| t_quantile(p, freedom));
        Some(quantile(1.0 - confidence.alpha() / 2.0)? + quantile(power.0)?)
    };
    let mut n = 2.0 * ends(None)?.powi(2) * spread;
    // Fewer values have wider tails, which ask for more values: it settles within a few rounds.
    for _ in 0..50 {
        let next = 2.0 * ends(Some((2.0 * n - 2.0).max(1.0)))?.powi(2) * spread;
        let settled = (next - n).abs() < 1e-3;
        n = next;
        if settled || !n.is_finite() {
            break;
        }
    }
    whole(n)
}

/// How many executions each of two equal groups needs, so that the difference of the shares `from` and `to` (0..=1) is found.
///
/// The formula of R's `power.prop.test`, without its continuity correction (Fleiss 1981). At least 2. `None` when the shares are equal.
#[must_use]
pub fn sample_size_for_shares(from: f64, to: f64, confidence: Confidence, power: Power) -> Option<u64> {
    let mean = f64::midpoint(from, to);
    let under_none = (2.0 * mean * (1.0 - mean)).sqrt();
    let under_some = (from * (1.0 - from) + to * (1.0 - to)).sqrt();
    let ends = z_quantile(1.0 - confidence.alpha() / 2.0) * under_none + z_quantile(power.0) * under_some;
    whole((ends / (to - from)).powi(2))
}

/// Rounded up to whole values.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(n: f64) -> Option<u64> {
    // A comparison that NaN fails as well.
    (n <= MOST).then(|| n.ceil().max(2.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `TTestIndPower().solve_power(effect, power=…, alpha=…)` of statsmodels: 63.77, 393.41, 22.02, 5.09, 3564.49
    #[test]
    fn sizes_for_means_are_those_of_statsmodels() {
        for (effect, confidence, power, n) in [
            (0.5, 0.95, 0.8, 64),
            (0.2, 0.95, 0.8, 394),
            (1.0, 0.95, 0.9, 23),
            (2.0, 0.95, 0.8, 6),
            (0.1, 0.99, 0.95, 3565),
        ] {
            let (confidence, power) = (Confidence::new(confidence).unwrap(), Power::new(power).unwrap());
            assert_eq!(sample_size_for_means(effect, 1.0, confidence, power), Some(n), "{effect}");
            assert_eq!(sample_size_for_means(-3.0 * effect, 3.0, confidence, power), Some(n), "{effect}");
        }
    }

    /// `power.prop.test(p1 = .50, p2 = .75, power = .90)` of R: 76.7
    #[test]
    fn sizes_for_shares_are_those_of_r() {
        let power = Power::new(0.9).unwrap();
        assert_eq!(sample_size_for_shares(0.5, 0.75, Confidence::DEFAULT, power), Some(77));
        assert_eq!(sample_size_for_shares(0.75, 0.5, Confidence::DEFAULT, power), Some(77));
    }

    #[test]
    fn what_can_not_be_found_has_no_size() {
        let (confidence, power) = (Confidence::DEFAULT, Power::DEFAULT);
        assert_eq!(sample_size_for_means(0.0, 1.0, confidence, power), None);
        assert_eq!(sample_size_for_means(1e-9, 1.0, confidence, power), None);
        assert_eq!(sample_size_for_means(f64::NAN, 1.0, confidence, power), None);
        assert_eq!(sample_size_for_means(1.0, 0.0, confidence, power), Some(2));
        assert_eq!(sample_size_for_shares(0.5, 0.5, confidence, power), None);
        assert_eq!(sample_size_for_shares(1.0, 1.0, confidence, power), None);
    }
}
