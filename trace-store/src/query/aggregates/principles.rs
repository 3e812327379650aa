//! Which principles fail, and how often.

use super::figures::{mean_of_micros, ratio};
use crate::query::days::Days;
use crate::query::error::QueryError;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::value::row;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a principle fared in many runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PrinciplePattern {
    /// The principle.
    pub principle_id: String,
    /// In how many runs it was a gap at the last quality gate.
    pub fail_count: i64,
    /// In how many runs it was judged at all.
    pub runs: i64,
    /// The share of the runs in which it was a gap, 0..=1.
    pub fail_rate: f64,
    /// In how many runs it was a strength.
    pub strength_count: i64,
    /// Its mean score in the runs that scored it.
    pub avg_score: Option<f64>,
}

row! {
    struct SumRow in "principle_rollups", key [principle_id], keep [] {
        principle_id: String,
        runs: i64,
        gap_runs: i64,
        strength_runs: i64,
        scored_runs: i64,
        score_micros: i64,
    }
}

impl Store {
    /// The principles that were gaps, most often first, of those judged in at least `min_runs` runs of the window.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn principle_patterns(&self, min_runs: u32, window: Window) -> Result<Vec<PrinciplePattern>, QueryError> {
        let days = Days::of(window);
        let mut sums: BTreeMap<String, [i64; 5]> = BTreeMap::new();
        let mut add = |id: String, row: [i64; 5]| {
            let sums = sums.entry(id).or_default();
            sums.iter_mut().zip(row).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        };
        if let Some((first, end)) = &days.whole {
            for row in self.principle_days(first.as_deref(), end.as_deref()).await? {
                add(row.principle_id, [row.runs, row.gap_runs, row.strength_runs, row.scored_runs, row.score_micros]);
            }
        }
        for run in self.counted(&days.parts).await? {
            for row in run.principles() {
                add(
                    row.principle_id.into_owned(),
                    [row.runs, row.gap_runs, row.strength_runs, row.scored_runs, row.score_micros],
                );
            }
        }
        let failed = |(_, [runs, gaps, ..]): &(String, [i64; 5])| *gaps > 0 && *runs >= i64::from(min_runs);
        let mut patterns: Vec<PrinciplePattern> = sums.into_iter().filter(failed).map(pattern).collect();
        patterns.sort_by(|a, b| b.fail_count.cmp(&a.fail_count).then(b.fail_rate.total_cmp(&a.fail_rate)));
        Ok(patterns)
    }

    async fn principle_days(&self, first: Option<&str>, end: Option<&str>) -> Result<Vec<SumRow>, QueryError> {
        let mut ask = self.statement();
        let names = ["runs", "gap_runs", "strength_runs", "scored_runs", "score_micros"];
        let sums = names.map(|name| ask.kind.whole_sum(name, name)).join(", ");
        ask.push(&format!("SELECT principle_id, {sums} FROM principle_rollups WHERE 1 = 1"));
        ask.add_days(first, end).push(" GROUP BY principle_id");
        Ok(self.fetch("summing up principles", ask).await?)
    }
}

fn pattern((principle_id, [runs, gaps, strengths, scored, micros]): (String, [i64; 5])) -> PrinciplePattern {
    PrinciplePattern {
        principle_id,
        fail_count: gaps,
        runs,
        fail_rate: ratio(gaps, runs).unwrap_or_default(),
        strength_count: strengths,
        avg_score: mean_of_micros(micros, scored),
    }
}
