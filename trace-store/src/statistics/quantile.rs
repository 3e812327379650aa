/// The value that the share `p` (0..=1) of the values lies below, between two values by linear interpolation: what `percentile_cont` of
/// Postgres and numpy's `percentile` give. The values have to be sorted; `None` of none.
///
/// ```
/// use trace_store::statistics::quantile;
/// assert_eq!(quantile(&[15.0, 20.0, 35.0, 40.0, 50.0], 0.3), Some(23.0));
/// ```
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = p.clamp(0.0, 1.0) * last as f64;
    let below = (position.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64))
}

#[cfg(test)]
mod tests {
    use super::quantile;

    /// `np.percentile([15, 20, 35, 40, 50], p)`
    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [15.0, 20.0, 35.0, 40.0, 50.0];
        for (p, wanted) in [(0.0, 15.0), (0.05, 16.0), (0.3, 23.0), (0.4, 29.0), (0.5, 35.0), (0.95, 48.0), (1.0, 50.0)]
        {
            let got = quantile(&values, p).unwrap();
            assert!((got - wanted).abs() < 1e-9, "{p}: {got}");
        }
    }

    #[test]
    fn of_one_it_is_that_one_and_of_none_nothing() {
        assert_eq!(quantile(&[7.0], 0.95), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0, 2.0], f64::NAN).map(f64::is_nan), Some(true));
        assert_eq!(quantile(&[1.0, 2.0], 7.0), Some(2.0));
    }
}
