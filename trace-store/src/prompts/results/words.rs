//! Differences in the words a person reads.
//!
//! The rules: a difference whose interval covers zero is `unchanged`. A time is `faster` or `slower`, a cost `cheaper` or `dearer`, in percent of what
//! it was. Quality is `higher` or `lower` by points of its scale. The success rate is named only when it changed, tokens only where no cost is known. The
//! first difference that is named carries its interval; all intervals are in the [`Comparison`].

use super::Comparison;
use super::goals::Metric;
use crate::files::{count, score};
use crate::statistics::{Estimate, Interval};

/// Of fewer executions nothing is said.
const FEW: u64 = 10;

/// `v2: 28 % faster (95 % interval 24 to 31), 20 % cheaper, quality unchanged (n = 100 / 100)`; `n` is of this version, then of the one before.
pub(super) fn sentence(version: u32, comparison: &Comparison, (n, n_before): (u64, u64)) -> String {
    let sizes = format!("(n = {} / {})", count(n), count(n_before));
    if n.min(n_before) < FEW {
        return format!("v{version}: not enough data yet {sizes}");
    }
    let mut said = Said { confidence: percent(comparison.confidence.level(), 0), interval_told: false };
    let mut clauses = vec![said.clause(Metric::ResponseTime, comparison.response_time)];
    if comparison.cost.is_some() || comparison.tokens.is_none() {
        clauses.push(said.clause(Metric::Cost, comparison.cost));
    } else {
        clauses.push(comparison.tokens.map(|tokens| said.tokens(tokens)));
    }
    let changed = comparison.success_rate.filter(Estimate::is_distinct);
    clauses.push(changed.and_then(|rate| said.clause(Metric::SuccessRate, Some(rate))));
    clauses.push(said.clause(Metric::Quality, comparison.quality).or_else(|| Some("quality not scored".to_owned())));
    let clauses: Vec<String> = clauses.into_iter().flatten().collect();
    format!("v{version}: {} {sizes}", clauses.join(", "))
}

/// The difference in a metric, with its interval; `unchanged` where there may be none.
pub(super) fn difference(metric: Metric, estimate: Estimate) -> String {
    Said { confidence: String::new(), interval_told: true }.clause(metric, Some(estimate)).unwrap_or_default()
}

/// The interval of a difference, in the unit of its metric: `24 to 31`, or `-3 to 8` where the sign matters.
pub(super) fn interval(metric: Metric, estimate: Estimate) -> String {
    ends(metric, estimate, estimate.is_distinct())
}

struct Said {
    confidence: String,
    interval_told: bool,
}

impl Said {
    fn clause(&mut self, metric: Metric, estimate: Option<Estimate>) -> Option<String> {
        let estimate = estimate?;
        let less = estimate.value < 0.0;
        if !estimate.is_distinct() {
            return Some(format!("{} unchanged", metric.noun()));
        }
        let size = amount(metric, estimate.value);
        let words = match metric {
            Metric::ResponseTime => format!("{size} % {}", if less { "faster" } else { "slower" }),
            Metric::Cost => format!("{size} % {}", if less { "cheaper" } else { "dearer" }),
            Metric::SuccessRate => format!("success rate {size} points {}", if less { "lower" } else { "higher" }),
            Metric::Quality => format!("quality {size} {}", if less { "lower" } else { "higher" }),
        };
        Some(words + &self.first_interval(metric, estimate))
    }

    fn tokens(&mut self, estimate: Estimate) -> String {
        if !estimate.is_distinct() {
            return "tokens unchanged".to_owned();
        }
        let words = if estimate.value < 0.0 { "fewer" } else { "more" };
        format!(
            "{} % {words} tokens{}",
            amount(Metric::Cost, estimate.value),
            self.first_interval(Metric::Cost, estimate)
        )
    }

    fn first_interval(&mut self, metric: Metric, estimate: Estimate) -> String {
        if std::mem::replace(&mut self.interval_told, true) {
            return String::new();
        }
        format!(" ({} % interval {})", self.confidence, ends(metric, estimate, true))
    }
}

/// Both ends of an interval, the smaller first; without their sign where it is said in words.
fn ends(metric: Metric, estimate: Estimate, sign_is_said: bool) -> String {
    let Interval { low, high } = estimate.interval;
    let show = |end: f64| match metric {
        Metric::Quality => score(end),
        _ => percent(end, decimals(estimate.value)),
    };
    if sign_is_said {
        let (low, high) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
        return format!("{} to {}", show(low), show(high));
    }
    format!("{} to {}", show(low), show(high))
}

/// A difference without its sign, in the unit of its metric.
fn amount(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Quality => score(value.abs()),
        _ => percent(value.abs(), decimals(value)),
    }
}

/// One decimal for what would be rounded to 0 or 1.
fn decimals(share: f64) -> usize {
    usize::from(share.abs() < 0.0145)
}

fn percent(share: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", 100.0 * share);
    // Nobody says minus nothing.
    if text.trim_start_matches('-').trim_matches(['0', '.']).is_empty() { "0".to_owned() } else { text }
}
