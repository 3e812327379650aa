//! A run told backwards from its outcome: how it ended, what the gate said, which decisions led there, and what the last good run did otherwise.

use super::decisions::{DecisionDifference, DecisionHead, differences};
use super::error::QueryError;
use super::item::TraceItem;
use super::store::Store;
use super::why_rows::{ErrorRow, FlagHead, GateRow, PromptRow, ScoreHead};
use crate::sql::value::{Cell, Kind};
use serde::{Deserialize, Serialize};
use trace_core::model::{Alternative, Status};

/// Why a run came out as it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Why {
    /// The run.
    pub trace: TraceItem,
    /// How it ended, in one sentence.
    pub outcome: String,
    /// The last verdict of a quality gate.
    pub gate: Option<GateVerdict>,
    /// What went wrong on the way, in the order of stages and calls; 50 at most.
    pub errors: Vec<WhyError>,
    /// The decisions that led there, the least certain first; 200 at most.
    pub decisions: Vec<WhyDecision>,
    /// The prompts that its model calls were made with.
    pub prompts: Vec<PromptUse>,
    /// The quality patterns detected after it.
    pub flags: Vec<WhyFlag>,
    /// The project's last run before it that completed and passed its gate.
    pub previous_good: Option<PreviousGood>,
}

/// What a quality gate said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GateVerdict {
    /// The stage that said it.
    pub stage: String,
    /// Whether the run passed.
    pub passing: Option<bool>,
    /// The score.
    pub overall_score: Option<f64>,
    /// The score that was needed.
    pub threshold: Option<f64>,
    /// The scores of the principles, gaps first.
    pub scores: Vec<GateScore>,
}

/// The score of a principle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GateScore {
    /// The principle.
    pub principle_id: String,
    /// Its name.
    pub name: Option<String>,
    /// The score.
    pub score: Option<f64>,
    /// Whether it is a gap.
    pub is_gap: bool,
    /// What the judge said.
    pub feedback: Option<String>,
    /// `pipeline`, `human` or `judge`.
    pub source: String,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct WhyError {
    /// The stage.
    pub stage: String,
    /// The observed call; `null`: the stage itself.
    pub observation: Option<String>,
    /// The type of the error.
    pub error_type: Option<String>,
    /// Its message; the first 500 characters.
    pub error_message: Option<String>,
}

/// A decision, with what stood behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct WhyDecision {
    /// The stage.
    pub stage: String,
    /// The decision point.
    pub decision: String,
    /// What was chosen.
    pub what: String,
    /// Why.
    pub why: String,
    /// How sure the program was, 0..=1.
    pub confidence: Option<f64>,
    /// What else was on the table.
    pub alternatives_considered: Vec<Alternative>,
    /// The component that chose.
    pub component: Option<String>,
    /// `file:line:column` of the `decision!`.
    pub location: Option<String>,
    /// The prompt of the call it was made in, else those of its stage: `name@version`.
    pub prompts: Vec<String>,
}

/// A prompt, and where it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PromptUse {
    /// The prompt's name.
    pub prompt_name: String,
    /// The version; `null` while it is not known.
    pub prompt_version: Option<i64>,
    /// The models it was sent to.
    pub models: Vec<String>,
    /// The stages it was used in.
    pub stages: Vec<String>,
    /// How many calls were made with it.
    pub calls: usize,
}

/// A quality pattern that was detected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct WhyFlag {
    /// Which pattern.
    pub kind: String,
    /// The pattern in words.
    pub message: String,
    /// How many runs it rests on.
    pub n: i64,
    /// How large the effect is.
    pub effect: Option<f64>,
    /// Whether there are too few runs to raise an alarm.
    pub thin: bool,
}

/// A run to hold against this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PreviousGood {
    /// That run.
    pub trace: TraceItem,
    /// What it decided differently: `a` is the good run, `b` this one; 50 at most.
    pub differences: Vec<DecisionDifference>,
}

/// How many decisions are told.
const DECISIONS: usize = 200;

/// How many differences to the good run are told.
const DIFFERENCES: usize = 50;

impl Store {
    /// Why a run came out as it did, by its id or the beginning of it.
    ///
    /// # Errors
    /// As [`Store::trace`].
    pub async fn why(&self, id: &str) -> Result<Why, QueryError> {
        let trace = self.trace(id).await?;
        let decisions = self.decisions(&trace.trace_id).await?;
        let calls = self.rows_of::<PromptRow>(&trace.trace_id, PromptRow::ORDER).await?;
        let gate = self.gate(&trace).await?;
        let errors = self.errors(&trace.trace_id).await?;
        let flags = self.rows_of::<FlagHead>(&trace.trace_id, FlagHead::ORDER).await?;
        let previous_good = self.previous_good(&trace, &decisions).await?;
        Ok(Why {
            outcome: outcome(&trace, gate.as_ref()),
            gate,
            errors,
            decisions: told(&decisions, &calls),
            prompts: uses(&calls),
            flags: flags.into_iter().map(WhyFlag::from).collect(),
            previous_good,
            trace,
        })
    }

    async fn gate(&self, trace: &TraceItem) -> Result<Option<GateVerdict>, QueryError> {
        let verdict = self.rows_of::<GateRow>(&trace.trace_id, GateRow::VERDICT).await?.pop();
        let gate = match verdict {
            Some(gate) => Some(gate),
            None => self.rows_of::<GateRow>(&trace.trace_id, GateRow::SCORE).await?.pop(),
        };
        let Some(gate) = gate else { return Ok(None) };
        let scores = self.rows_of::<ScoreHead>(&trace.trace_id, ScoreHead::ORDER).await?;
        let of_gate =
            scores.into_iter().filter(|score| score.stage_id.is_none() || score.stage_id.as_ref() == Some(&gate.id));
        let mut scores: Vec<GateScore> = of_gate.map(|score| score.judged(&gate.gaps)).collect();
        scores.sort_by_key(|score| !score.is_gap);
        let GateRow { name: stage, passing, overall_score, threshold, .. } = gate;
        Ok(Some(GateVerdict { stage, passing, overall_score, threshold, scores }))
    }

    async fn errors(&self, trace_id: &str) -> Result<Vec<WhyError>, QueryError> {
        let mut ask = self.statement();
        let id = ask.parameter(Kind::Text, trace_id.into());
        ask.push(&ErrorRow::statement(&id));
        let rows = self.fetch::<ErrorRow>("reading errors", ask).await?;
        Ok(rows.into_iter().map(WhyError::from).collect())
    }

    async fn previous_good(
        &self,
        trace: &TraceItem,
        decisions: &[DecisionHead],
    ) -> Result<Option<PreviousGood>, QueryError> {
        let Some(started_at) = trace.started_at else { return Ok(None) };
        let mut ask = self.statement();
        let selection = TraceItem::selection(ask.kind);
        let truth = ask.kind.truth(true);
        ask.push("SELECT ").push(&selection).push(" FROM traces WHERE traces.project_id = ");
        ask.bind(Kind::Text, trace.project_id.as_str().into())
            .push(" AND traces.status = 'complete' AND traces.quality_gate_passed = ");
        ask.push(truth).push(" AND traces.started_at < ").bind(Kind::Time, started_at.into_cell());
        ask.push(" ORDER BY traces.started_at DESC LIMIT 1");
        let Some(good) = self.fetch::<TraceItem>("looking for the last good run", ask).await?.pop() else {
            return Ok(None);
        };
        let mut differences = differences(&self.decisions(&good.trace_id).await?, decisions);
        differences.truncate(DIFFERENCES);
        Ok(Some(PreviousGood { trace: good, differences }))
    }
}

/// The least certain first; those that do not say come last.
fn told(decisions: &[DecisionHead], calls: &[PromptRow]) -> Vec<WhyDecision> {
    let mut order: Vec<&DecisionHead> = decisions.iter().collect();
    let doubt = |decision: &DecisionHead| decision.confidence.unwrap_or(f64::INFINITY);
    order.sort_by(|a, b| doubt(a).total_cmp(&doubt(b)));
    let decision = |row: &DecisionHead| WhyDecision {
        stage: row.stage.clone(),
        decision: row.decision.clone(),
        what: row.what.clone(),
        why: row.why.clone(),
        confidence: row.confidence,
        alternatives_considered: row.alternatives(),
        component: row.component.clone(),
        location: row.location.clone(),
        prompts: behind(row, calls),
    };
    order.into_iter().take(DECISIONS).map(decision).collect()
}

fn behind(decision: &DecisionHead, calls: &[PromptRow]) -> Vec<String> {
    let own = calls.iter().find(|call| decision.observation_id.as_ref() == Some(&call.id));
    let mut names: Vec<String> = match own {
        Some(call) => vec![call.shown()],
        None => calls.iter().filter(|call| call.stage_id == decision.stage_id).map(PromptRow::shown).collect(),
    };
    names.sort();
    names.dedup();
    names
}

fn uses(calls: &[PromptRow]) -> Vec<PromptUse> {
    let mut uses: Vec<PromptUse> = Vec::new();
    for call in calls {
        let at = uses
            .iter()
            .position(|known| known.prompt_name == call.prompt_name && known.prompt_version == call.prompt_version);
        let at = at.unwrap_or_else(|| {
            uses.push(PromptUse {
                prompt_name: call.prompt_name.clone(),
                prompt_version: call.prompt_version,
                models: Vec::new(),
                stages: Vec::new(),
                calls: 0,
            });
            uses.len() - 1
        });
        let known = &mut uses[at];
        known.calls += 1;
        if let Some(model) = call.model.as_ref().filter(|model| !known.models.contains(model)) {
            known.models.push(model.clone());
        }
        if !known.stages.contains(&call.stage) {
            known.stages.push(call.stage.clone());
        }
    }
    uses
}

fn outcome(trace: &TraceItem, gate: Option<&GateVerdict>) -> String {
    let ended = match trace.status {
        Status::Failed | Status::Incomplete => {
            let error = [trace.error_type.as_deref(), trace.error_message.as_deref()];
            let error = error.into_iter().flatten().collect::<Vec<_>>().join(": ");
            if error.is_empty() { trace.status.to_string() } else { format!("{}: {error}", trace.status) }
        }
        Status::InProgress => "still running, or its process died and it was not recovered".to_owned(),
        Status::Complete => "complete".to_owned(),
    };
    let Some(gate) = gate else { return ended };
    let verdict = match gate.passing {
        Some(true) => "passed the quality gate",
        Some(false) => "failed the quality gate",
        None => "scored",
    };
    let score = gate.overall_score.map_or_else(String::new, |score| format!(" with {score}"));
    let needed = gate.threshold.map_or_else(String::new, |threshold| format!(" ({threshold} needed)"));
    let gaps: Vec<&str> =
        gate.scores.iter().filter(|score| score.is_gap).map(|score| score.principle_id.as_str()).collect();
    let gaps = if gaps.is_empty() { String::new() } else { format!("; gaps: {}", gaps.join(", ")) };
    format!("{ended}; {verdict}{score}{needed}{gaps}")
}
