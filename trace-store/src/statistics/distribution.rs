//! The two distributions that the methods need, within the ranges where `statrs` computes them.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// From so many degrees of freedom on, quantiles come from the expansion below, which is exact to nine digits there; the search of
/// `statrs` stops too early then.
const LARGE: f64 = 1e3;

/// From so many degrees of freedom on, the tails of Student's t are those of the normal distribution to four digits, far out too.
const PRACTICALLY_NORMAL: f64 = 1e6;

/// Student's t with `freedom` degrees of freedom; `None` when there are none.
fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom).ok()
}

/// Below which `t` the share `p` of Student's t lies.
pub(super) fn t_quantile(p: f64, freedom: f64) -> Option<f64> {
    if freedom < LARGE {
        return student(freedom).map(|student| student.inverse_cdf(p));
    }
    // Abramowitz and Stegun, 26.7.5.
    let z = z_quantile(p);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    (!freedom.is_nan()).then(|| z + first / freedom + second / (freedom * freedom))
}

/// How often Student's t is as far from zero as `t`, or farther, on either side.
pub(super) fn t_two_sided(t: f64, freedom: f64) -> Option<f64> {
    if freedom >= PRACTICALLY_NORMAL {
        return Some(z_two_sided(t));
    }
    student(freedom).map(|student| 2.0 * student.cdf(-t.abs()))
}

/// Below which `z` the share `p` of the normal distribution lies.
pub(super) fn z_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// How often a normal number is as far from zero as `z`, or farther, on either side.
pub(super) fn z_two_sided(z: f64) -> f64 {
    2.0 * Normal::standard().cdf(-z.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTILES: [(f64, f64, f64); 24] = [
        (0.8, 1.0, 1.3763819204711738),
        (0.975, 1.0, 12.706204736174694),
        (0.995, 1.0, 63.656741162871526),
        (0.8, 2.0, 1.0606601717798214),
        (0.975, 2.0, 4.302652729749462),
        (0.995, 2.0, 9.924843200918287),
        (0.8, 5.5, 0.9119511921290534),
        (0.975, 5.5, 2.501858617589239),
        (0.995, 5.5, 3.8499114660010356),
        (0.8, 30.0, 0.8537672614712979),
        (0.975, 30.0, 2.0422724563012378),
        (0.995, 30.0, 2.7499956535672254),
        (0.8, 900.0, 0.8420207946829846),
        (0.975, 900.0, 1.9626033295371905),
        (0.995, 900.0, 2.5813030580049316),
        (0.8, 1000.0, 0.8419808221624288),
        (0.975, 1000.0, 1.9623390808264083),
        (0.995, 1000.0, 2.580754698065951),
        (0.8, 100000.0, 0.8416248279969009),
        (0.975, 100000.0, 1.9599877075346095),
        (0.995, 100000.0, 2.575878469908375),
        (0.8, 10000000.0, 0.8416212695170074),
        (0.975, 10000000.0, 1.959964221767205),
        (0.995, 10000000.0, 2.5758297952037488),
    ];
    const TAILS: [(f64, f64, f64); 21] = [
        (0.1, 1.0, 0.936548965138893),
        (2.0, 1.0, 0.2951672353008665),
        (6.0, 1.0, 0.10513691342250688),
        (0.1, 5.5, 0.9238885611430917),
        (2.0, 5.5, 0.09675439023118504),
        (6.0, 5.5, 0.0013207827335336268),
        (0.1, 30.0, 0.9210096117902712),
        (2.0, 30.0, 0.054625044962983094),
        (6.0, 30.0, 1.3942768767204764e-06),
        (0.1, 1000.0, 0.9203643690236041),
        (2.0, 1000.0, 0.04577034649325166),
        (6.0, 1000.0, 2.7553691733774752e-09),
        (0.1, 100000.0, 0.9203445259067263),
        (2.0, 100000.0, 0.04550296345750651),
        (6.0, 100000.0, 1.9799294556017718e-09),
        (0.1, 900000.0, 0.9203443477193873),
        (2.0, 900000.0, 0.045500563846330694),
        (6.0, 900000.0, 1.9739247715325594e-09),
        (0.1, 10000000.0, 0.9203443274505524),
        (2.0, 10000000.0, 0.04550029089184296),
        (6.0, 10000000.0, 1.973242733367782e-09),
    ];

    /// `t.ppf(p, freedom)` of scipy.stats
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (p, freedom, wanted) in QUANTILES {
            let got = t_quantile(p, freedom).unwrap();
            assert!((got / wanted - 1.0).abs() < 1e-8, "{p} {freedom}: {got}");
        }
        assert_eq!(t_quantile(0.975, f64::NAN), None);
        assert_eq!(t_quantile(0.975, 0.0), None);
    }

    /// `2 * t.sf(value, freedom)` of scipy.stats
    #[test]
    fn tails_are_those_of_scipy() {
        for (value, freedom, wanted) in TAILS {
            let got = t_two_sided(value, freedom).unwrap();
            assert!((got / wanted - 1.0).abs() < 1e-4, "{value} {freedom}: {got}");
        }
        assert_eq!(t_two_sided(2.0, f64::NAN), None);
    }
}
