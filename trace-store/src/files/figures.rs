//! What a whole run amounts to: the figures that summary, scorecard and front matter show.

use trace_core::model::{Decision, Evidence, Money, Observation, RUN_STAGE, Score, Stage, TokenUsage, Trace};

/// The sums and verdicts of a trace. A figure that no stage gave is `None`, never 0.
#[derive(Debug, Default)]
pub(crate) struct Figures<'a> {
    /// The stage that gave the last verdict, or failing one the last score.
    pub(crate) gate: Option<&'a Stage>,
    pub(crate) cost: Option<Money>,
    /// Model calls whose price is not known.
    pub(crate) unpriced: u64,
    pub(crate) llm_calls: u64,
    pub(crate) tokens: Option<TokenUsage>,
    /// Counts and sources of all stages together; its items stay in the stages.
    pub(crate) evidence: Option<Evidence>,
    pub(crate) decisions: u64,
}

impl<'a> Figures<'a> {
    pub(crate) fn of(trace: &'a Trace) -> Self {
        let mut figures = Self::default();
        let stages = || trace.stages.values();
        figures.gate = stages()
            .rfind(|stage| stage.passing.is_some())
            .or_else(|| stages().rfind(|stage| stage.overall_score.is_some()));
        for stage in stages() {
            figures.add(stage);
        }
        figures
    }

    fn add(&mut self, stage: &Stage) {
        self.decisions += stage.decisions.len() as u64;
        if let Some(cost) = stage.cost_usd {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
        if let Some(tokens) = stage.token_usage {
            *self.tokens.get_or_insert_default() += tokens;
        }
        for call in stage.observations.iter().filter(|call| call.kind.is_model_call()) {
            self.llm_calls += 1;
            let llm = call.llm.as_deref();
            let free = llm.is_some_and(|llm| llm.cost_usd.is_some() || llm.cached == Some(true));
            self.unpriced += u64::from(!free);
        }
        if let Some(evidence) = &stage.evidence {
            self.evidence.get_or_insert_default().merge(Evidence {
                collected: evidence.collected,
                passed: evidence.passed,
                filtered: evidence.filtered,
                retrieved: evidence.retrieved,
                used: evidence.used,
                by_source: evidence.by_source.clone(),
                ..Evidence::default()
            });
        }
    }

    pub(crate) fn overall_score(&self) -> Option<f64> {
        self.gate.and_then(|gate| gate.overall_score).filter(|score| score.is_finite())
    }

    pub(crate) fn passing(&self) -> Option<bool> {
        self.gate.and_then(|gate| gate.passing)
    }

    pub(crate) fn gaps(&self) -> &'a [String] {
        self.gate.map_or(&[], |gate| &gate.gaps)
    }

    pub(crate) fn strengths(&self) -> &'a [String] {
        self.gate.map_or(&[], |gate| &gate.strengths)
    }

    pub(crate) fn scores(&self) -> &'a [Score] {
        self.gate.map_or(&[], |gate| &gate.principle_scores)
    }
}

/// A stage's name as people read it.
pub(crate) fn stage_title(name: &str) -> &str {
    if name == RUN_STAGE { "(outside any stage)" } else { name }
}

/// All decisions with their stage, the least confident first, those without a confidence last; equal ones in order.
pub(crate) fn by_confidence(trace: &Trace) -> Vec<(&str, &Decision)> {
    let mut all: Vec<(&str, &Decision)> = trace
        .stages
        .iter()
        .flat_map(|(name, stage)| stage.decisions.iter().map(move |decision| (name.as_str(), decision)))
        .collect();
    all.sort_by(|(_, a), (_, b)| {
        let key = |decision: &Decision| decision.confidence.unwrap_or(f64::INFINITY);
        key(a).total_cmp(&key(b))
    });
    all
}

/// All model calls with their stage, in order.
pub(crate) fn model_calls(trace: &Trace) -> impl Iterator<Item = (&str, &Observation)> {
    trace.stages.iter().flat_map(|(name, stage)| {
        stage.observations.iter().filter(|call| call.kind.is_model_call()).map(move |call| (name.as_str(), call))
    })
}

/// Which prompt a call was made with, `support_bot@2`; `unlinked` without one, `support_bot@?` before the registry knows it.
pub(crate) fn prompt_of(call: &Observation) -> String {
    let Some(name) = call.llm.as_deref().and_then(|llm| llm.prompt_name.as_deref()) else {
        return "unlinked".to_owned();
    };
    let version = call.llm.as_deref().and_then(|llm| llm.prompt_version);
    version.map_or_else(|| format!("{name}@?"), |version| format!("{name}@{version}"))
}
