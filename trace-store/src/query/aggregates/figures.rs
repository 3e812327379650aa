//! What many runs amount to.

use crate::sql::rollups::DailyRow;
use crate::sql::value::row;
use serde::{Deserialize, Serialize};
use trace_core::model::{Money, Status};

/// Picodollars in a dollar.
const DOLLAR: i128 = 1_000_000_000_000;

/// What many runs amount to. An average is `null` where no run has such a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Figures {
    /// How many runs there are.
    pub total_runs: i64,
    /// How many of them ran to their end.
    pub complete: i64,
    /// How many ended with an error or a panic.
    pub failed: i64,
    /// How many were cancelled, or their process died.
    pub incomplete: i64,
    /// How many run, or were never recovered.
    pub in_progress: i64,
    /// How many passed their last quality gate.
    pub gate_passed: i64,
    /// How many failed it.
    pub gate_failed: i64,
    /// The share of those with a verdict that passed, 0..=1.
    pub gate_pass_rate: Option<f64>,
    /// How many have gaps at their last quality gate.
    pub runs_with_gaps: i64,
    /// How many have a score.
    pub scored_runs: i64,
    /// Their mean score.
    pub avg_quality: Option<f64>,
    /// The mean duration of those that have one.
    pub avg_duration_seconds: Option<f64>,
    /// Passes of the retry loop, all together.
    pub iterations: i64,
    /// Decisions, all together.
    pub decisions: i64,
    /// Calls of language models, all together.
    pub llm_calls: i64,
    /// Input tokens of all model calls, everything cached included.
    pub input_tokens: i64,
    /// Output tokens of all model calls, reasoning included.
    pub output_tokens: i64,
    /// How many runs have a known cost.
    pub priced_runs: i64,
    /// What these cost together, exact; none where none has a known cost.
    pub total_cost_usd: Option<Money>,
    /// What one of them cost on average.
    pub avg_cost_usd: Option<Money>,
}

/// Runs that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Group {
    /// What they have in common; `null`: they have no such value.
    pub key: Option<String>,
    /// What they amount to.
    pub figures: Figures,
}

row! {
    /// Sums of some of the rows of `daily_rollups`.
    pub(super) struct SumRow in "daily_rollups", key [key], keep [] {
        key: String,
        runs: i64,
        complete: i64,
        failed: i64,
        incomplete: i64,
        gate_passed: i64,
        gate_failed: i64,
        gap_runs: i64,
        scored_runs: i64,
        quality_micros: i64,
        timed_runs: i64,
        duration_micros: i64,
        iterations: i64,
        decisions: i64,
        llm_calls: i64,
        input_tokens: i64,
        output_tokens: i64,
        priced_runs: i64,
        cost_dollars: i64,
        cost_picodollars: i64,
    }
}

impl SumRow {
    /// One run, as the sums of its day count it.
    pub(super) fn of_run(key: String, run: &DailyRow<'_>) -> Self {
        let ended = |status: Status| i64::from(run.status == status.as_str());
        Self {
            key,
            runs: run.runs,
            complete: ended(Status::Complete),
            failed: ended(Status::Failed),
            incomplete: ended(Status::Incomplete),
            gate_passed: run.gate_passed,
            gate_failed: run.gate_failed,
            gap_runs: run.gap_runs,
            scored_runs: run.scored_runs,
            quality_micros: run.quality_micros,
            timed_runs: run.timed_runs,
            duration_micros: run.duration_micros,
            iterations: run.iterations,
            decisions: run.decisions,
            llm_calls: run.llm_calls,
            input_tokens: run.input_tokens,
            output_tokens: run.output_tokens,
            priced_runs: run.priced_runs,
            cost_dollars: run.cost_dollars,
            cost_picodollars: run.cost_picodollars,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        let pairs: [(&mut i64, i64); 19] = [
            (&mut self.runs, other.runs),
            (&mut self.complete, other.complete),
            (&mut self.failed, other.failed),
            (&mut self.incomplete, other.incomplete),
            (&mut self.gate_passed, other.gate_passed),
            (&mut self.gate_failed, other.gate_failed),
            (&mut self.gap_runs, other.gap_runs),
            (&mut self.scored_runs, other.scored_runs),
            (&mut self.quality_micros, other.quality_micros),
            (&mut self.timed_runs, other.timed_runs),
            (&mut self.duration_micros, other.duration_micros),
            (&mut self.iterations, other.iterations),
            (&mut self.decisions, other.decisions),
            (&mut self.llm_calls, other.llm_calls),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.priced_runs, other.priced_runs),
            (&mut self.cost_dollars, other.cost_dollars),
            (&mut self.cost_picodollars, other.cost_picodollars),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }

    pub(super) fn figures(&self) -> Figures {
        let cost = i128::from(self.cost_dollars) * DOLLAR + i128::from(self.cost_picodollars);
        Figures {
            total_runs: self.runs,
            complete: self.complete,
            failed: self.failed,
            incomplete: self.incomplete,
            in_progress: self.runs - self.complete - self.failed - self.incomplete,
            gate_passed: self.gate_passed,
            gate_failed: self.gate_failed,
            gate_pass_rate: ratio(self.gate_passed, self.gate_passed + self.gate_failed),
            runs_with_gaps: self.gap_runs,
            scored_runs: self.scored_runs,
            avg_quality: mean_of_micros(self.quality_micros, self.scored_runs),
            avg_duration_seconds: mean_of_micros(self.duration_micros, self.timed_runs),
            iterations: self.iterations,
            decisions: self.decisions,
            llm_calls: self.llm_calls,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            priced_runs: self.priced_runs,
            total_cost_usd: (self.priced_runs > 0).then(|| money(cost)),
            avg_cost_usd: (self.priced_runs > 0).then(|| money(cost / i128::from(self.priced_runs))),
        }
    }
}

/// The nearest amount that money can hold.
pub(crate) fn money(picodollars: i128) -> Money {
    Money::from_picodollars(i64::try_from(picodollars).unwrap_or(if picodollars < 0 { i64::MIN } else { i64::MAX }))
}

/// The share of a whole; nothing of nothing.
#[allow(clippy::cast_precision_loss)] // counts stay far below 2^53
pub(crate) fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The mean of so many values, whose sum is given in millionths.
#[allow(clippy::cast_precision_loss)] // a sum beyond 2^53 millionths is off by less than its last digit shown
pub(crate) fn mean_of_micros(sum: i64, count: i64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64 / 1e6)
}
