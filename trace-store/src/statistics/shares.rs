use super::distribution::{z_quantile, z_two_sided};
use super::{Confidence, Estimate, Interval};
use serde::{Deserialize, Serialize};
use statrs::function::factorial::ln_factorial;

/// With fewer expected in any cell than this, the normal approximation of the z test is poor (Cochran 1954).
const SMALLEST_CELL: f64 = 5.0;

/// How often something happened, of how many times: successes of executions, failures of a gate.
///
/// ```
/// use trace_store::statistics::{Confidence, Share};
/// let worked = Share::new(81, 263);
/// let interval = worked.interval(Confidence::DEFAULT).unwrap();
/// assert_eq!(format!("{:.1} % to {:.1} %", 100.0 * interval.low, 100.0 * interval.high), "25.5 % to 36.6 %");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// How often it happened; never more than `n`.
    pub count: u64,
    /// Of how many.
    pub n: u64,
}

#[allow(clippy::cast_precision_loss)]
impl Share {
    /// `count` of `n`; a count above `n` is taken as `n`.
    #[must_use]
    pub fn new(count: u64, n: u64) -> Self {
        Self { count: count.min(n), n }
    }

    /// The share, 0..=1; `None` of nothing.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.n > 0).then(|| self.count as f64 / self.n as f64)
    }

    /// Where the true share is (Wilson 1927): within 0..=1, and of use for few and for extreme shares too. `None` of nothing.
    #[must_use]
    pub fn interval(&self, confidence: Confidence) -> Option<Interval> {
        let (share, n) = (self.value()?, self.n as f64);
        let z = z_quantile(1.0 - confidence.alpha() / 2.0);
        let scale = 1.0 + z * z / n;
        let center = (share + z * z / (2.0 * n)) / scale;
        let reach = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        // The ends of nothing and of everything are exact; the sum above may miss them by a digit.
        let low = if self.count == 0 { 0.0 } else { (center - reach).max(0.0) };
        let high = if self.count == self.n { 1.0 } else { (center + reach).min(1.0) };
        Some(Interval { low, high })
    }
}

/// How much larger the share of `to` is than that of `from`, as a difference of shares: 0.05 is five percentage points.
///
/// The interval is Newcombe's hybrid of two Wilson intervals (1998, method 10). The p-value is Fisher's exact test where fewer than
/// five are expected in a cell, else the z test with pooled shares. The two can differ at the edge. `None` when either is of nothing.
#[must_use]
pub fn share_difference(from: Share, to: Share, confidence: Confidence) -> Option<Estimate> {
    let (one, other) = (from.value()?, to.value()?);
    let (wilson, other_wilson) = (from.interval(confidence)?, to.interval(confidence)?);
    let value = other - one;
    let low = value - (other - other_wilson.low).hypot(wilson.high - one);
    let high = value + (other_wilson.high - other).hypot(one - wilson.low);
    let p_value = if smallest_expected(from, to) < SMALLEST_CELL { fisher(from, to) } else { pooled_z(from, to) };
    Estimate::of(value, low, high, p_value)
}

/// As [`share_difference`], with an interval that holds at every look; see [`Estimate::always_valid`].
///
/// The standard error is that of Agresti and Caffo (2000), with one success and one failure added to each: shares of 0 and 1 are not taken to be
/// certain.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn share_difference_at_any_time(from: Share, to: Share, smallest: f64, confidence: Confidence) -> Option<Estimate> {
    let squared_error = |of: Share| {
        let (share, n) = ((of.count as f64 + 1.0) / (of.n as f64 + 2.0), of.n as f64 + 2.0);
        share * (1.0 - share) / n
    };
    let error = (squared_error(from) + squared_error(to)).sqrt();
    Estimate::always_valid(to.value()? - from.value()?, error, smallest, confidence)
}

/// The smallest number that is expected in any of the four cells when there is no difference.
#[allow(clippy::cast_precision_loss)]
fn smallest_expected(from: Share, to: Share) -> f64 {
    let n = from.n as f64 + to.n as f64;
    let happened = from.count as f64 + to.count as f64;
    from.n.min(to.n) as f64 * happened.min(n - happened) / n
}

#[allow(clippy::cast_precision_loss)]
fn pooled_z(from: Share, to: Share) -> f64 {
    let (n, other_n) = (from.n as f64, to.n as f64);
    let pooled = (from.count as f64 + to.count as f64) / (n + other_n);
    let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / other_n)).sqrt();
    z_two_sided((to.count as f64 / other_n - from.count as f64 / n) / error)
}

/// Fisher's exact test, two-sided: the probability of all tables with these sums that are no likelier than this one.
fn fisher(from: Share, to: Share) -> f64 {
    // Where few are expected in a cell, its row or column is small; summing over that one keeps the sum short however large the other is.
    let happened = from.count.saturating_add(to.count);
    let total = from.n.saturating_add(to.n);
    let (seen, column) =
        if happened <= total - happened { (from.count, happened) } else { (from.n - from.count, total - happened) };
    let ln_tables = ln_choose(total, column);
    let ln_probability = |k: u64| ln_choose(from.n, k) + ln_choose(to.n, column - k) - ln_tables;
    let this = ln_probability(seen);
    // The tolerance takes tables of equal probability for equal, as R and scipy do.
    let range = column.saturating_sub(to.n)..=column.min(from.n);
    range.map(ln_probability).filter(|other| *other <= this + 1e-7).map(f64::exp).sum::<f64>().min(1.0)
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_close(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-8, "{got} instead of {wanted}");
    }

    /// `proportion_confint(count, n, method="wilson")` of statsmodels
    #[test]
    fn intervals_of_shares_are_those_of_statsmodels() {
        for (count, n, low, high) in [
            (81, 263, 0.255_288_519_878, 0.366_209_576_983),
            (15, 148, 0.062_386_399_531, 0.160_487_241_723),
            (0, 20, 0.0, 0.161_125_158_053),
            (1, 29, 0.006_113_214_293, 0.171_755_218_793),
            (20, 20, 0.838_874_841_947, 1.0),
        ] {
            let interval = Share::new(count, n).interval(Confidence::DEFAULT).unwrap();
            assert_close(interval.low, low);
            assert_close(interval.high, high);
        }
    }

    /// `confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff")` of statsmodels; the first and the third are
    /// printed in Newcombe's paper too
    #[test]
    fn differences_of_shares_are_those_of_newcombe() {
        for (to, from, low, high) in [
            (Share::new(56, 70), Share::new(48, 80), 0.052_431_472_402, 0.333_872_653_907),
            (Share::new(9, 10), Share::new(3, 10), 0.170_522_723_935, 0.809_017_973_535),
            (Share::new(10, 10), Share::new(0, 20), 0.679_086_037_142, 1.0),
        ] {
            let difference = share_difference(from, to, Confidence::DEFAULT).unwrap();
            assert_close(difference.interval.low, low);
            assert_close(difference.interval.high, high);
        }
    }

    /// `proportions_ztest([56, 48], [70, 80])` of statsmodels
    #[test]
    fn the_p_value_of_many_is_the_z_test() {
        let p = share_difference(Share::new(48, 80), Share::new(56, 70), Confidence::DEFAULT).unwrap().p_value;
        assert_close(p, 0.008_045_081_368);
    }

    /// `fisher_exact([[9, 1], [3, 7]])`, `fisher_exact([[8, 2], [1, 5]])`, `fisher_exact([[100, 0], [97, 3]])` of scipy.stats
    #[test]
    fn the_p_value_of_few_is_the_exact_test() {
        for (to, from, p) in [
            (Share::new(9, 10), Share::new(3, 10), 0.019_766_611_098),
            (Share::new(8, 10), Share::new(1, 6), 0.034_965_034_965),
            (Share::new(100, 100), Share::new(97, 100), 0.246_231_155_779),
        ] {
            assert_close(fisher(from, to), p);
            assert_close(fisher(to, from), p);
        }
        let small = share_difference(Share::new(1, 6), Share::new(8, 10), Confidence::DEFAULT).unwrap();
        assert_close(small.p_value, 0.034_965_034_965);
    }

    #[test]
    fn nothing_everything_and_very_many() {
        assert_eq!(share_difference(Share::new(0, 0), Share::new(1, 2), Confidence::DEFAULT), None);
        let equal = share_difference(Share::new(100, 100), Share::new(50, 50), Confidence::DEFAULT).unwrap();
        assert_close(equal.p_value, 1.0);
        assert!(!equal.is_distinct());
        let rare = share_difference(Share::new(1, 5_000_000), Share::new(4, 5_000_000), Confidence::DEFAULT).unwrap();
        assert!((0.3..0.5).contains(&rare.p_value), "{rare:?}");
        let largest = share_difference(Share::new(0, u64::MAX), Share::new(1, 2), Confidence::DEFAULT);
        assert!(largest.is_some_and(|difference| difference.is_distinct()));
        assert_eq!(Share::new(3, 2), Share::new(2, 2));
    }
}
