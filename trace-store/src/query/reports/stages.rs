//! Where the time of runs goes.

use super::percentiles::{SORTED, Values};
use crate::query::aggregates::ratio;
use crate::query::error::QueryError;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::rollups::STAGE;
use serde::{Deserialize, Serialize};

/// How long a stage takes, in seconds. Every occurrence counts, `synthesis#2` as one of `synthesis`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageTiming {
    /// The stage.
    pub stage: String,
    /// How many occurrences with a known duration there are.
    pub count: i64,
    /// Half of them take no longer.
    pub p50_seconds: f64,
    /// 95 of 100 take no longer.
    pub p95_seconds: f64,
    /// How long all of them took together.
    pub total_seconds: f64,
    /// The share of the time of all stages together, 0..=1. A stage inside another one counts for both.
    pub share: f64,
    /// Whether the percentiles are exact; those of more than 20,000 stages are within 0.8 %.
    pub exact: bool,
}

impl Store {
    /// How long each stage takes, the one with most of the time first.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn stage_timing(&self, window: Window) -> Result<Vec<StageTiming>, QueryError> {
        let values = Values {
            kind: STAGE,
            table: "stages",
            group: "base_name",
            value: "duration_seconds",
            moment: "started_at",
        };
        let groups = self.percentiles("measuring stages", values, window, SORTED).await?;
        let all = groups.values().fold(0_i64, |all, found| all.saturating_add(found.sum_micros));
        let mut stages: Vec<StageTiming> = groups
            .into_iter()
            .map(|(stage, found)| StageTiming {
                stage,
                count: found.count,
                p50_seconds: found.at[0],
                p95_seconds: found.at[1],
                #[allow(clippy::cast_precision_loss)] // 285 years in microseconds
                total_seconds: found.sum_micros as f64 / 1e6,
                share: ratio(found.sum_micros, all).unwrap_or_default(),
                exact: found.exact,
            })
            .collect();
        stages.sort_by(|a, b| b.total_seconds.total_cmp(&a.total_seconds));
        Ok(stages)
    }
}
