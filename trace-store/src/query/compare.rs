//! Two runs side by side.

use super::decisions::{DecisionDifference, differences};
use super::error::QueryError;
use super::item::TraceItem;
use super::store::Store;
use crate::sql::value::row;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trace_core::model::Money;

/// Two runs side by side. A difference is what the second has more than the first; it is `null` where one of them has no such value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Comparison {
    /// The first run.
    pub a: TraceItem,
    /// The second run.
    pub b: TraceItem,
    /// The difference of the scores at the last quality gate.
    pub quality_delta: Option<f64>,
    /// The difference of the costs, exact.
    pub cost_delta_usd: Option<Money>,
    /// The difference of the durations.
    pub duration_delta_seconds: Option<f64>,
    /// The difference of the input tokens.
    pub input_tokens_delta: Option<i64>,
    /// The difference of the output tokens.
    pub output_tokens_delta: Option<i64>,
    /// Principles that are gaps in the first run only.
    pub gaps_a_only: Vec<String>,
    /// Principles that are gaps in the second run only.
    pub gaps_b_only: Vec<String>,
    /// Principles that are gaps in both.
    pub gaps_both: Vec<String>,
    /// The first decision that they made differently, or that only one of them came to.
    pub first_differing_decision: Option<DecisionDifference>,
    /// How many decisions differ.
    pub differing_decisions: usize,
    /// The prompts that they used in different versions, by name.
    pub differing_prompts: Vec<PromptDifference>,
}

/// A prompt that two runs used in different versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PromptDifference {
    /// The prompt's name.
    pub prompt_name: String,
    /// The versions that the first run used; `null` is one that is not known yet.
    pub versions_a: Vec<Option<i64>>,
    /// The versions that the second run used.
    pub versions_b: Vec<Option<i64>>,
}

row! {
    struct PromptRow in "observations", key [trace_id, id], keep [] {
        prompt_name: String,
        prompt_version: Option<i64>,
    }
}

/// The versions that a run used of each prompt.
type Versions = BTreeMap<String, BTreeSet<Option<i64>>>;

impl Store {
    /// Two runs side by side, by their ids or the beginnings of them.
    ///
    /// # Errors
    /// As [`Store::trace`].
    pub async fn compare(&self, a: &str, b: &str) -> Result<Comparison, QueryError> {
        let (a, b) = (self.trace(a).await?, self.trace(b).await?);
        let decisions = differences(&self.decisions(&a.trace_id).await?, &self.decisions(&b.trace_id).await?);
        let prompts = prompts(&self.versions(&a.trace_id).await?, &self.versions(&b.trace_id).await?);
        let gaps = |of: &TraceItem| of.gap_principles.iter().cloned().collect::<BTreeSet<_>>();
        let (gaps_a, gaps_b) = (gaps(&a), gaps(&b));
        Ok(Comparison {
            quality_delta: both(a.overall_quality_score, b.overall_quality_score).map(|(a, b)| b - a),
            cost_delta_usd: both(a.total_cost_usd, b.total_cost_usd).map(|(a, b)| minus(b, a)),
            duration_delta_seconds: both(a.duration_seconds, b.duration_seconds).map(|(a, b)| b - a),
            input_tokens_delta: both(a.total_input_tokens, b.total_input_tokens).map(|(a, b)| b.saturating_sub(a)),
            output_tokens_delta: both(a.total_output_tokens, b.total_output_tokens).map(|(a, b)| b.saturating_sub(a)),
            gaps_a_only: gaps_a.difference(&gaps_b).cloned().collect(),
            gaps_b_only: gaps_b.difference(&gaps_a).cloned().collect(),
            gaps_both: gaps_a.intersection(&gaps_b).cloned().collect(),
            differing_decisions: decisions.len(),
            first_differing_decision: decisions.into_iter().next(),
            differing_prompts: prompts,
            a,
            b,
        })
    }

    async fn versions(&self, trace_id: &str) -> Result<Versions, QueryError> {
        let mut ask = self.statement();
        ask.select::<PromptRow>().of_trace::<PromptRow>(trace_id);
        ask.push(
            " AND observations.prompt_name IS NOT NULL GROUP BY observations.prompt_name, observations.prompt_version",
        );
        let mut versions = Versions::new();
        for row in self.fetch::<PromptRow>("reading prompts", ask).await? {
            versions.entry(row.prompt_name).or_default().insert(row.prompt_version);
        }
        Ok(versions)
    }
}

fn both<T>(a: Option<T>, b: Option<T>) -> Option<(T, T)> {
    a.zip(b)
}

fn minus(a: Money, b: Money) -> Money {
    Money::from_picodollars(a.picodollars().saturating_sub(b.picodollars()))
}

fn prompts(a: &Versions, b: &Versions) -> Vec<PromptDifference> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let versions = |of: &Versions, name: &String| of.get(name).into_iter().flatten().copied().collect::<Vec<_>>();
    let difference = |name: &String| PromptDifference {
        prompt_name: name.clone(),
        versions_a: versions(a, name),
        versions_b: versions(b, name),
    };
    names.into_iter().map(difference).filter(|found| found.versions_a != found.versions_b).collect()
}
