use super::distribution::{t_quantile, t_two_sided};
use super::{Confidence, Estimate};
use serde::{Deserialize, Serialize};

/// A sample of numbers, as its size, mean and variance.
///
/// ```
/// use trace_store::statistics::Moments;
/// let sample: Moments = [2.0, 4.0, 9.0].into_iter().collect();
/// assert_eq!((sample.n, sample.mean, sample.variance), (3, 5.0, 13.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many values.
    pub n: u64,
    /// Their mean; 0 of none.
    pub mean: f64,
    /// Their variance as a sample of something larger (divided by n − 1, `var_samp`); 0 of fewer than two.
    pub variance: f64,
}

impl Moments {
    /// A sample that a database has aggregated; `variance` is `var_samp`.
    #[must_use]
    pub fn new(n: u64, mean: f64, variance: f64) -> Self {
        Self { n, mean, variance }
    }

    /// Takes one more value in, without the loss of digits that a sum of squares has (Welford 1962).
    #[allow(clippy::cast_precision_loss)]
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        let n = self.n as f64;
        let off = value - self.mean;
        self.mean += off / n;
        if self.n > 1 {
            self.variance += (off * (value - self.mean) - self.variance) / (n - 1.0);
        }
    }

    /// The size as a number to calculate with.
    #[allow(clippy::cast_precision_loss)]
    fn size(&self) -> f64 {
        self.n as f64
    }

    /// The squared standard error of the mean; `None` of fewer than two values, which have no spread.
    fn squared_error(&self) -> Option<f64> {
        (self.n > 1 && self.variance >= 0.0).then(|| self.variance / self.size())
    }

    /// The squared standard error of the mean's logarithm; `None` of a mean that has none.
    fn squared_relative_error(&self) -> Option<f64> {
        let error = self.squared_error()?;
        (self.mean > 0.0).then(|| error / (self.mean * self.mean))
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::default();
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }
}

/// How much higher the mean of `to` is than that of `from`, where their spreads may differ (Welch 1947).
///
/// `None` when either has fewer than two values.
///
/// ```
/// use trace_store::statistics::{Confidence, Moments, mean_difference};
/// let before: Moments = [20.0, 22.0, 19.0, 21.0].into_iter().collect();
/// let after: Moments = [27.0, 26.0, 29.0, 28.0].into_iter().collect();
/// let difference = mean_difference(&before, &after, Confidence::DEFAULT).unwrap();
/// assert!(difference.is_distinct() && difference.value == 7.0);
/// ```
#[must_use]
pub fn mean_difference(from: &Moments, to: &Moments, confidence: Confidence) -> Option<Estimate> {
    let (one, other) = (from.squared_error()?, to.squared_error()?);
    let freedom = welch_freedom(from.size(), one, to.size(), other);
    student_estimate(to.mean - from.mean, (one + other).sqrt(), freedom, confidence)
}

/// By which share the mean of `to` is higher than that of `from`: −0.28 is 28 % less.
///
/// Computed on logarithms, with the error of a mean's logarithm by the delta method (its relative error) and Welch's degrees of
/// freedom, so the interval of b against a is that of a against b turned over. Meant for what is positive: times, tokens, cost.
/// `None` when either has fewer than two values, or a mean is not positive.
#[must_use]
pub fn mean_ratio(from: &Moments, to: &Moments, confidence: Confidence) -> Option<Estimate> {
    let (one, other) = (from.squared_relative_error()?, to.squared_relative_error()?);
    let freedom = welch_freedom(from.size(), one, to.size(), other);
    student_estimate((to.mean / from.mean).ln(), (one + other).sqrt(), freedom, confidence)?.exp()
}

/// As [`mean_ratio`], with an interval that holds at every look; see [`Estimate::always_valid`]. `smallest` is the smallest share worth finding, 0.1 for
/// 10 %.
#[must_use]
pub fn mean_ratio_at_any_time(from: &Moments, to: &Moments, smallest: f64, confidence: Confidence) -> Option<Estimate> {
    let error = (from.squared_relative_error()? + to.squared_relative_error()?).sqrt();
    Estimate::always_valid((to.mean / from.mean).ln(), error, smallest.ln_1p(), confidence)?.exp()
}

/// As [`mean_difference`], with an interval that holds at every look; see [`Estimate::always_valid`].
#[must_use]
pub fn mean_difference_at_any_time(
    from: &Moments,
    to: &Moments,
    smallest: f64,
    confidence: Confidence,
) -> Option<Estimate> {
    let error = (from.squared_error()? + to.squared_error()?).sqrt();
    Estimate::always_valid(to.mean - from.mean, error, smallest, confidence)
}

/// How much higher the mean is than a reference that is itself certain (one-sample t).
///
/// `None` of fewer than two values.
#[must_use]
pub fn mean_against(sample: &Moments, reference: f64, confidence: Confidence) -> Option<Estimate> {
    let error = sample.squared_error()?.sqrt();
    student_estimate(sample.mean - reference, error, sample.size() - 1.0, confidence)
}

/// The degrees of freedom of a sum of two squared errors (Welch–Satterthwaite).
fn welch_freedom(n: f64, error: f64, other_n: f64, other_error: f64) -> f64 {
    let sum = error + other_error;
    if sum == 0.0 {
        return n + other_n - 2.0;
    }
    // Shares instead of squares of small errors, which could vanish.
    let (share, other_share) = (error / sum, other_error / sum);
    1.0 / (share * share / (n - 1.0) + other_share * other_share / (other_n - 1.0))
}

/// A value with a standard error. Without any spread the interval is a point, and any difference is certain.
fn student_estimate(value: f64, error: f64, freedom: f64, confidence: Confidence) -> Option<Estimate> {
    if !(value.is_finite() && error.is_finite()) {
        return None;
    }
    if error == 0.0 {
        return Estimate::of(value, value, value, if value == 0.0 { 1.0 } else { 0.0 });
    }
    let reach = error * t_quantile(1.0 - confidence.alpha() / 2.0, freedom)?;
    Estimate::of(value, value - reach, value + reach, t_two_sided(value / error, freedom)?)
}

#[cfg(test)]
#[path = "means_tests.rs"]
mod tests;
