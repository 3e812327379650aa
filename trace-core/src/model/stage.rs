use super::{
    Decision, ErrorInfo, Evidence, Money, Object, Observation, Outcome, PromptLink, Score, Timestamp, TokenUsage,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A named phase of a trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stage {
    /// 16 hex digits, unique in the trace.
    pub id: String,
    /// The stage or observation it ran in; `null` directly under the trace.
    pub parent_id: Option<String>,
    /// Its place in the order in which stages began, from 0.
    pub index: u32,
    /// The component that runs it.
    pub component: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; `null` while it runs.
    pub completed_at: Option<Timestamp>,
    /// How long it took, by the monotonic clock.
    pub duration_seconds: Option<f64>,
    /// How it ended; `null` while it runs.
    pub outcome: Option<Outcome>,
    /// The captured arguments.
    pub inputs: Value,
    /// The captured result and what else the stage reported.
    pub outputs: Value,
    /// The prompts its LLM calls were made with, each once.
    pub prompts: Vec<PromptLink>,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
    /// What it collected, kept and filtered out.
    pub evidence: Option<Evidence>,
    /// The choices made in it.
    pub decisions: Vec<Decision>,
    /// The calls observed in it; `parent_id` makes them a tree.
    pub observations: Vec<Observation>,
    /// The model of its LLM calls; several are joined by `, `.
    pub model: Option<String>,
    /// The tokens of its LLM calls, inclusive.
    pub token_usage: Option<TokenUsage>,
    /// What its LLM calls cost together, as far as known.
    pub cost_usd: Option<Money>,
    /// Scores given in it.
    pub principle_scores: Vec<Score>,
    /// The mean of the scores.
    #[serde(with = "super::number::option")]
    pub overall_score: Option<f64>,
    /// Whether the gate passed.
    pub passing: Option<bool>,
    /// The gate's threshold.
    #[serde(with = "super::number::option")]
    pub threshold: Option<f64>,
    /// Principles below the gap threshold.
    pub gaps: Vec<String>,
    /// Principles at the top.
    pub strengths: Vec<String>,
    /// Whatever else was said of it.
    pub attributes: Object,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}
