//! How long the calls made with a prompt take.

use super::percentiles::{SORTED, Values};
use crate::query::error::QueryError;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::rollups::PROMPT;
use serde::{Deserialize, Serialize};

/// How long the calls made with a prompt take, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptLatency {
    /// The prompt.
    pub prompt_name: String,
    /// How many calls with a known duration there are.
    pub calls: i64,
    /// The mean.
    pub avg_ms: f64,
    /// Half of the calls take no longer.
    pub p50_ms: f64,
    /// 95 of 100 calls take no longer.
    pub p95_ms: f64,
    /// 99 of 100 calls take no longer.
    pub p99_ms: f64,
    /// Whether the percentiles are exact; those of more than 20,000 calls are within 0.8 %.
    pub exact: bool,
}

impl Store {
    /// How long the calls made with each prompt take, the most used prompt first.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn latency(&self, window: Window) -> Result<Vec<PromptLatency>, QueryError> {
        let values = Values {
            kind: PROMPT,
            table: "prompt_executions",
            group: "template_name",
            value: "response_time_ms",
            moment: "executed_at",
        };
        let groups = self.percentiles("measuring latency", values, window, SORTED).await?;
        let mut prompts: Vec<PromptLatency> = groups
            .into_iter()
            .map(|(prompt_name, found)| PromptLatency {
                prompt_name,
                calls: found.count,
                avg_ms: crate::query::aggregates::mean_of_micros(found.sum_micros, found.count).unwrap_or_default(),
                p50_ms: found.at[0],
                p95_ms: found.at[1],
                p99_ms: found.at[2],
                exact: found.exact,
            })
            .collect();
        prompts.sort_by_key(|prompt| std::cmp::Reverse(prompt.calls));
        Ok(prompts)
    }
}
