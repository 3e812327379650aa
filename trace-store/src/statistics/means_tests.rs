use super::*;

const A: [f64; 15] = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
const B: [f64; 15] = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];

fn sample(values: &[f64]) -> Moments {
    values.iter().copied().collect()
}

#[track_caller]
fn assert_estimate(estimate: Estimate, value: f64, low: f64, high: f64, p_value: f64) {
    let pairs = [
        (estimate.value, value),
        (estimate.interval.low, low),
        (estimate.interval.high, high),
        (estimate.p_value, p_value),
    ];
    assert!(pairs.iter().all(|(got, wanted)| (got - wanted).abs() < 1e-8), "{estimate:?}");
}

/// `np.mean(a), np.var(a, ddof=1)`
#[test]
fn moments_are_those_of_numpy() {
    let moments = sample(&A);
    assert!((moments.mean - 20.819_999_999_999_997).abs() < 1e-12, "{moments:?}");
    assert!((moments.variance - 7.867_428_571_428_571).abs() < 1e-12, "{moments:?}");
    assert_eq!(moments.n, 15);
}

#[test]
fn moments_keep_their_digits_far_from_zero() {
    let moments: Moments = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0].into_iter().collect();
    assert_eq!(moments.variance, 30.0);
}

/// `ttest_ind(b, a, equal_var=False)` and its `confidence_interval(0.95)`, `confidence_interval(0.99)`
#[test]
fn a_difference_of_means_is_that_of_scipy() {
    let difference = |level| mean_difference(&sample(&A), &sample(&B), Confidence::new(level).unwrap()).unwrap();
    assert_estimate(difference(0.95), 2.833_333_333_333, 0.798_643_924_875, 4.868_022_741_792, 0.008_071_938_172);
    assert_estimate(difference(0.99), 2.833_333_333_333, 0.088_273_191_480, 5.578_393_475_186, 0.008_071_938_172);
}

/// `ttest_1samp(a, 19.0)`
#[test]
fn a_mean_against_a_reference_is_that_of_scipy() {
    let against = mean_against(&sample(&A), 19.0, Confidence::DEFAULT).unwrap();
    assert_estimate(against, 1.82, 0.266_701_652_451, 3.373_298_347_549, 0.024_832_450_969);
}

/// `se = sqrt(v1/n1/m1² + v2/n2/m2²)`, `df` by Welch–Satterthwaite on those two terms, then
/// `exp(log(m2/m1) ∓ t.ppf(0.975, df)·se) − 1` and `2·t.sf(|log(m2/m1)|/se, df)` in numpy and scipy.stats
#[test]
fn a_ratio_of_means_is_that_of_its_formula_in_scipy() {
    let ratio = mean_ratio(&sample(&A), &sample(&B), Confidence::DEFAULT).unwrap();
    assert_estimate(ratio, 0.136_087_095_741, 0.035_647_310_905, 0.246_267_793_600, 0.008_712_506_402);
}

#[test]
fn a_ratio_turned_over_is_the_ratio_of_the_other_way() {
    let there = mean_ratio(&sample(&A), &sample(&B), Confidence::DEFAULT).unwrap();
    let back = mean_ratio(&sample(&B), &sample(&A), Confidence::DEFAULT).unwrap();
    assert!(((1.0 + there.interval.low) * (1.0 + back.interval.high) - 1.0).abs() < 1e-9, "{there:?} {back:?}");
    assert!((there.p_value - back.p_value).abs() < 1e-12);
}

#[test]
fn what_has_no_spread_is_certain_and_what_has_no_size_is_nothing() {
    let (two, three) = (Moments::new(5, 2.0, 0.0), Moments::new(5, 3.0, 0.0));
    let difference = mean_difference(&two, &three, Confidence::DEFAULT).unwrap();
    assert_estimate(difference, 1.0, 1.0, 1.0, 0.0);
    assert_estimate(mean_difference(&two, &two, Confidence::DEFAULT).unwrap(), 0.0, 0.0, 0.0, 1.0);
    for small in
        [Moments::default(), Moments::new(1, 2.0, 0.0), Moments::new(9, f64::NAN, 1.0), Moments::new(9, 1.0, f64::NAN)]
    {
        assert_eq!(mean_difference(&small, &three, Confidence::DEFAULT), None, "{small:?}");
        assert_eq!(mean_ratio(&three, &small, Confidence::DEFAULT), None, "{small:?}");
        assert_eq!(mean_against(&small, 1.0, Confidence::DEFAULT), None, "{small:?}");
    }
    assert_eq!(mean_ratio(&Moments::new(9, 0.0, 1.0), &three, Confidence::DEFAULT), None);
}

#[test]
fn a_sample_of_any_size_has_an_interval() {
    let mut widest = f64::INFINITY;
    for n in [2, 3, 10, 1_000, 999_999, 1_000_003, 1 << 40, u64::MAX] {
        let estimate = mean_against(&Moments::new(n, 1.0, 1.0), 0.0, Confidence::DEFAULT).unwrap();
        let width = estimate.interval.high - estimate.interval.low;
        assert!(width < widest, "{n}: {width}");
        widest = width;
    }
    let tiny = Moments::new(2, 1.0, 1e-300);
    assert!(mean_difference(&tiny, &Moments::new(2, 2.0, 1e-300), Confidence::DEFAULT).is_some());
}
