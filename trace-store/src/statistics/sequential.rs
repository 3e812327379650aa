use super::{Confidence, Estimate};

impl Estimate {
    /// The same estimate with an interval and a p-value that hold however often one looks and whenever one stops.
    ///
    /// An ordinary interval is right once, at a sample size fixed before. Who looks every day and stops at the first difference is wrong far more
    /// often than it says. This one is right at all looks at once: the chance that it *ever* leaves out the true value is at most
    /// 1 − confidence. It is wider for that. The p-value may be compared with 1 − confidence at any look; it is 1 at worst.
    ///
    /// `smallest` is the smallest difference worth finding, in the unit of `value`; the interval is narrowest for differences of its
    /// size, and valid for all. `error` is the standard error of `value`. The mixture sequential probability ratio test with a normal mixture
    /// of that size (Johari, Koomen, Pekelis and Walsh, *Always Valid Inference*, Operations Research 2022, section 5). Like them it takes the estimate
    /// to be normal, which needs some thirty values.
    ///
    /// `None` where a number is not finite, or `smallest` is zero.
    #[must_use]
    pub fn always_valid(value: f64, error: f64, smallest: f64, confidence: Confidence) -> Option<Self> {
        if !(value.is_finite() && error.is_finite() && smallest.is_finite()) || smallest == 0.0 {
            return None;
        }
        let (variance, mixture) = (error * error, smallest * smallest);
        if variance == 0.0 {
            return Self::of(value, value, value, if value == 0.0 { 1.0 } else { 0.0 });
        }
        let both = variance + mixture;
        let growth = (both / variance).ln();
        let reach = (variance * both / mixture * (growth - 2.0 * confidence.alpha().ln())).sqrt();
        let log_ratio = mixture * value * value / (2.0 * variance * both) - growth / 2.0;
        Self::of(value, value - reach, value + reach, (-log_ratio).exp().min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    /// Normal numbers from a fixed generator: the same in every run.
    fn normal_numbers() -> impl FnMut() -> f64 {
        let normal = Normal::standard();
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            #[allow(clippy::cast_precision_loss)]
            normal.inverse_cdf(((state >> 11) as f64 + 0.5) / 2f64.powi(53))
        }
    }

    /// In how many of 400 experiments with this difference a look at every hundredth value finds one: always valid, and naively.
    fn found(difference: f64) -> (u32, u32) {
        let mut next = normal_numbers();
        let (mut valid, mut naive) = (0, 0);
        for _ in 0..400 {
            let (mut sum, mut found, mut found_naively) = (0.0, false, false);
            for n in 1..=2_000_u32 {
                sum += next() + difference;
                if n % 100 == 0 {
                    let (mean, error) = (sum / f64::from(n), 1.0 / f64::from(n).sqrt());
                    found |= Estimate::always_valid(mean, error, 0.1, Confidence::DEFAULT).unwrap().is_distinct();
                    found_naively |= mean.abs() > 1.96 * error;
                }
            }
            valid += u32::from(found);
            naive += u32::from(found_naively);
        }
        (valid, naive)
    }

    #[test]
    fn twenty_looks_at_nothing_find_something_in_one_of_twenty_cases_at_most() {
        let (valid, naive) = found(0.0);
        assert!(valid <= 20, "{valid} of 400");
        assert!(naive > 60, "looking at the ordinary interval is wrong {naive} times of 400");
    }

    #[test]
    fn what_is_there_is_found() {
        let (valid, _) = found(0.15);
        assert!(valid > 380, "{valid} of 400");
    }

    #[test]
    fn interval_and_p_value_agree_and_the_interval_is_wider_than_the_ordinary_one() {
        for value in [0.0, 0.05, 0.21, 0.24, 0.3, -0.4] {
            let estimate = Estimate::always_valid(value, 0.08, 0.1, Confidence::DEFAULT).unwrap();
            assert_eq!(estimate.is_distinct(), estimate.p_value < 0.05, "{estimate:?}");
            assert!(estimate.interval.high - value > 1.96 * 0.08);
        }
        assert_eq!(Estimate::always_valid(0.1, 0.08, 0.0, Confidence::DEFAULT), None);
        assert_eq!(Estimate::always_valid(f64::NAN, 0.08, 0.1, Confidence::DEFAULT), None);
        assert!(Estimate::always_valid(0.1, 0.0, 0.1, Confidence::DEFAULT).unwrap().is_distinct());
    }
}
