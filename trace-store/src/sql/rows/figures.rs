//! Sums over the stages and model calls of a trace.

use trace_core::model::{Evidence, Kind, LlmCall, Money, Observation, Stage, TokenUsage, Trace};

/// A stage's name without the `#2` of a later occurrence.
pub(super) fn base_name(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((base, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => name,
    }
}

/// The stages `base`, `base#2`, ….
pub(super) fn stages_called<'a>(trace: &'a Trace, base: &'a str) -> impl Iterator<Item = &'a Stage> {
    trace.stages.iter().filter(move |(name, _)| base_name(name) == base).map(|(_, stage)| stage)
}

/// The stage that gave the last verdict, or failing one the last score.
pub(super) fn gate(trace: &Trace) -> Option<&Stage> {
    let stages = || trace.stages.values();
    stages().rfind(|stage| stage.passing.is_some()).or_else(|| stages().rfind(|stage| stage.overall_score.is_some()))
}

/// What is known of it summed up; nothing where nothing is known.
pub(super) fn sum<T: std::ops::Add<Output = T>>(values: impl Iterator<Item = Option<T>>) -> Option<T> {
    values.flatten().reduce(std::ops::Add::add)
}

/// A count of evidence summed over all stages.
pub(super) fn evidence(trace: &Trace, count: impl Fn(&Evidence) -> Option<u64>) -> Option<u64> {
    trace.stages.values().filter_map(|stage| count(stage.evidence.as_ref()?)).reduce(u64::saturating_add)
}

/// Tokens and cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spent {
    pub(super) tokens: Option<TokenUsage>,
    pub(super) cost: Option<Money>,
}

impl Spent {
    fn add(&mut self, tokens: Option<TokenUsage>, cost: Option<Money>) {
        if let Some(tokens) = tokens {
            *self.tokens.get_or_insert_default() += tokens;
        }
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
    }

    fn add_call(&mut self, call: &LlmCall) {
        self.add(call.usage.map(|usage| usage.inclusive()), call.cost_usd);
    }

    /// What a stage spent: the sum of its model calls, or what the stage says where it shows none (as foreign documents do).
    pub(super) fn add_stage(&mut self, stage: &Stage) {
        let mut calls = stage.observations.iter().filter_map(|call| call.llm.as_deref()).peekable();
        if calls.peek().is_some() {
            calls.for_each(|call| self.add_call(call));
        } else {
            self.add(stage.token_usage, stage.cost_usd);
        }
    }

    /// What a whole run spent.
    pub(super) fn total(trace: &Trace) -> Self {
        let mut spent = Self::default();
        trace.stages.values().for_each(|stage| spent.add_stage(stage));
        spent
    }

    /// What finding things spent: everything in `collection`, and embeddings and retrievals elsewhere.
    pub(super) fn retrieval(trace: &Trace) -> Self {
        let finds = |call: &&Observation| matches!(call.kind, Kind::Embedding | Kind::Retrieval);
        let mut spent = Self::default();
        for (name, stage) in &trace.stages {
            if base_name(name) == "collection" {
                spent.add_stage(stage);
            } else {
                let calls = stage.observations.iter().filter(finds).filter_map(|call| call.llm.as_deref());
                calls.for_each(|call| spent.add_call(call));
            }
        }
        spent
    }
}
