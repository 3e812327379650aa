use crate::files::{count, dollars, duration};
use crate::prompts::Sample;
use crate::statistics::{Moments, Share, quantile};
use serde::Serialize;
use std::collections::HashSet;
use trace_core::model::Money;

/// What was measured of the executions of one version. What an execution does not say counts nowhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measures {
    /// How many executions there were.
    pub executions: u64,
    /// How many of them succeeded.
    pub success: Share,
    /// The times, in milliseconds.
    pub response_time_ms: Moments,
    /// The time that half of them stay below, in milliseconds.
    pub p50_ms: Option<f64>,
    /// The time that 95 % of them stay below, in milliseconds.
    pub p95_ms: Option<f64>,
    /// All tokens, those of caches and reasoning included.
    pub tokens: Moments,
    /// The costs, in dollars.
    pub cost_usd: Moments,
    /// Their exact sum; `None` where no cost is known.
    pub total_cost_usd: Option<Money>,
    /// The quality of the runs, each counted once however many executions it had.
    pub quality: Moments,
}

impl Measures {
    /// Measures executions.
    pub fn of<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Self {
        let mut measures = Self::default();
        let mut times = Vec::new();
        let mut runs = HashSet::new();
        for sample in samples {
            measures.executions += 1;
            measures.success = Share::new(measures.success.count + u64::from(sample.success), measures.executions);
            if let Some(time) = sample.response_time_ms.filter(|time| time.is_finite()) {
                times.push(time);
                measures.response_time_ms.push(time);
            }
            if let Some(tokens) = sample.total_tokens {
                #[allow(clippy::cast_precision_loss)]
                measures.tokens.push(tokens as f64);
            }
            if let Some(cost) = sample.cost_usd {
                measures.cost_usd.push(cost.approximate());
                measures.total_cost_usd = Some(measures.total_cost_usd.unwrap_or_default() + cost);
            }
            if let Some(quality) = sample.quality.filter(|quality| quality.is_finite())
                && runs.insert(sample.trace_id.as_str())
            {
                measures.quality.push(quality);
            }
        }
        times.sort_unstable_by(f64::total_cmp);
        (measures.p50_ms, measures.p95_ms) = (quantile(&times, 0.5), quantile(&times, 0.95));
        measures
    }

    /// The mean cost of those that have one, rounded to the picodollar.
    #[must_use]
    pub fn mean_cost_usd(&self) -> Option<Money> {
        let (total, n) = (self.total_cost_usd?.picodollars(), i64::try_from(self.cost_usd.n).ok()?);
        (n > 0).then(|| Money::from_picodollars(total / n + (total % n) * 2 / n))
    }

    /// What stands above [`Measures::cells`] in a table.
    pub(super) const HEADER: &'static str = "executions  success  p50      p95      tokens   cost      quality";

    /// The figures as a line of a table.
    pub(super) fn cells(&self) -> String {
        let seconds = |millis: Option<f64>| duration(millis.map(|millis| millis / 1e3));
        let mean = |moments: &Moments, decimals: usize| match moments.n {
            0 => "-".to_owned(),
            _ => format!("{:.decimals$}", moments.mean),
        };
        format!(
            "{:<11} {:<8} {:<8} {:<8} {:<8} {:<9} {}",
            count(self.executions),
            self.success.value().map_or("-".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
            seconds(self.p50_ms),
            seconds(self.p95_ms),
            mean(&self.tokens, 0),
            self.mean_cost_usd().map_or("-".to_owned(), dollars),
            mean(&self.quality, 2),
        )
    }
}
