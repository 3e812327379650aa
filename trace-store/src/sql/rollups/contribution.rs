//! What one trace contributes to the sums.
//!
//! Every contribution is limited, far beyond what a run can be: millions of hostile traces cannot make a sum overflow.

use crate::sql::rows::TraceRow;
use crate::sql::time;
use crate::sql::value::{Day, Json, row};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use trace_core::model::{Money, Status, Timestamp};

/// The most that one trace adds to a sum: a trillion tokens, 11 days of microseconds, a score of a million.
const MOST: i64 = 1_000_000_000_000;

/// Picodollars in a dollar.
pub(super) const DOLLAR: i64 = 1_000_000_000_000;

row! {
    /// A trace, with the columns that count.
    pub(crate) struct CountedRow<'a> in "traces", key [trace_id], keep [] {
        trace_id: Cow<'a, str>,
        project_id: Cow<'a, str>,
        intent: Option<Cow<'a, str>>,
        domain: Option<Cow<'a, str>>,
        status: Cow<'a, str>,
        quality_gate_passed: Option<bool>,
        overall_quality_score: Option<f64>,
        started_at: Option<Timestamp>,
        completed_at: Option<Timestamp>,
        duration_seconds: Option<f64>,
        principle_scores: Cow<'a, Json>,
        gap_principles: Cow<'a, Vec<String>>,
        strength_principles: Cow<'a, Vec<String>>,
        iteration_count: i64,
        quality_gate_failures: i64,
        total_input_tokens: Option<i64>,
        total_output_tokens: Option<i64>,
        total_cost_usd: Option<Money>,
        llm_calls: i64,
        decision_count: i64,
        error_type: Option<Cow<'a, str>>,
        error_message: Option<Cow<'a, str>>,
    }
}

row! {
    /// Sums of the runs of one day, project, intent, domain and status. A run without intent or domain has `''` there.
    pub(crate) struct DailyRow<'a> in "daily_rollups", key [day, project_id, intent, domain, status], adds {
        day: Day,
        project_id: Cow<'a, str>,
        intent: Cow<'a, str>,
        domain: Cow<'a, str>,
        status: Cow<'a, str>,
        runs: i64,
        gate_passed: i64,
        gate_failed: i64,
        quality_gate_failures: i64,
        gap_runs: i64,
        error_runs: i64,
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

row! {
    /// Sums of the runs of one day and project that have a principle: scored, as a gap or as a strength.
    pub(crate) struct PrincipleRow<'a> in "principle_rollups", key [day, project_id, principle_id], adds {
        day: Day,
        project_id: Cow<'a, str>,
        principle_id: Cow<'a, str>,
        runs: i64,
        gap_runs: i64,
        strength_runs: i64,
        scored_runs: i64,
        score_micros: i64,
    }
}

row! {
    /// A gap of a complete run.
    #[derive(Eq, PartialOrd, Ord)]
    pub(crate) struct GapRow in "principle_gaps", key [principle_id, completed_at, trace_id], keep [] {
        principle_id: String,
        completed_at: Timestamp,
        trace_id: String,
    }
}

impl<'a> From<&'a TraceRow> for CountedRow<'a> {
    fn from(row: &'a TraceRow) -> Self {
        fn text(text: Option<&String>) -> Option<Cow<'_, str>> {
            text.map(Cow::from)
        }
        Self {
            trace_id: Cow::from(&row.trace_id),
            project_id: Cow::from(&row.project_id),
            intent: text(row.intent.as_ref()),
            domain: text(row.domain.as_ref()),
            status: Cow::from(&row.status),
            quality_gate_passed: row.quality_gate_passed,
            overall_quality_score: row.overall_quality_score,
            started_at: row.started_at,
            completed_at: row.completed_at,
            duration_seconds: row.duration_seconds,
            principle_scores: Cow::Borrowed(&row.principle_scores),
            gap_principles: Cow::Borrowed(&row.gap_principles),
            strength_principles: Cow::Borrowed(&row.strength_principles),
            iteration_count: row.iteration_count,
            quality_gate_failures: row.quality_gate_failures,
            total_input_tokens: row.total_input_tokens,
            total_output_tokens: row.total_output_tokens,
            total_cost_usd: row.total_cost_usd,
            llm_calls: row.llm_calls,
            decision_count: row.decision_count,
            error_type: text(row.error_type.as_ref()),
            error_message: text(row.error_message.as_ref()),
        }
    }
}

impl CountedRow<'_> {
    /// What it adds to the sums of its day.
    pub(crate) fn daily(&self) -> DailyRow<'_> {
        let cost = self.total_cost_usd.map(Money::picodollars);
        DailyRow {
            day: self.day(),
            project_id: Cow::from(&*self.project_id),
            intent: self.intent.as_deref().unwrap_or_default().into(),
            domain: self.domain.as_deref().unwrap_or_default().into(),
            status: Cow::from(&*self.status),
            runs: 1,
            gate_passed: i64::from(self.quality_gate_passed == Some(true)),
            gate_failed: i64::from(self.quality_gate_passed == Some(false)),
            quality_gate_failures: limited(self.quality_gate_failures),
            gap_runs: i64::from(!self.gap_principles.is_empty()),
            error_runs: i64::from(self.error_type.is_some() || self.error_message.is_some()),
            scored_runs: i64::from(self.overall_quality_score.is_some()),
            quality_micros: self.overall_quality_score.map_or(0, micros),
            timed_runs: i64::from(self.duration_seconds.is_some()),
            duration_micros: self.duration_seconds.map_or(0, micros),
            iterations: limited(self.iteration_count),
            decisions: limited(self.decision_count),
            llm_calls: limited(self.llm_calls),
            input_tokens: limited(self.total_input_tokens.unwrap_or(0)),
            output_tokens: limited(self.total_output_tokens.unwrap_or(0)),
            priced_runs: i64::from(cost.is_some()),
            cost_dollars: cost.unwrap_or(0).div_euclid(DOLLAR),
            cost_picodollars: cost.unwrap_or(0).rem_euclid(DOLLAR),
        }
    }

    /// What it adds to the sums of its principles.
    pub(crate) fn principles(&self) -> Vec<PrincipleRow<'_>> {
        let scores: BTreeMap<String, Option<f64>> =
            serde_json::from_str(self.principle_scores.as_str()).unwrap_or_default();
        let ids: BTreeSet<&String> =
            scores.keys().chain(&*self.gap_principles).chain(&*self.strength_principles).collect();
        let row = |id: &String| {
            let score = scores.get(id).copied().flatten();
            PrincipleRow {
                day: self.day(),
                project_id: Cow::from(&*self.project_id),
                principle_id: id.clone().into(),
                runs: 1,
                gap_runs: i64::from(self.gap_principles.contains(id)),
                strength_runs: i64::from(self.strength_principles.contains(id)),
                scored_runs: i64::from(score.is_some()),
                score_micros: score.map_or(0, micros),
            }
        };
        ids.into_iter().map(row).collect()
    }

    /// Its gaps, if it is a complete run that says when it ended.
    pub(super) fn gaps(&self) -> Vec<GapRow> {
        let Some(completed_at) = self.completed_at.filter(|_| self.status == Status::Complete.as_str()) else {
            return Vec::new();
        };
        // As exact as it is stored: what was read back is compared with it.
        let completed_at = time::stored(completed_at);
        let row = |id: &String| GapRow {
            principle_id: id.clone(),
            completed_at,
            trace_id: self.trace_id.clone().into_owned(),
        };
        self.gap_principles.iter().map(row).collect()
    }

    /// The day on which it began.
    fn day(&self) -> Day {
        self.started_at.or(self.completed_at).map_or(UNKNOWN_DAY, Day::of)
    }
}

/// The day of a trace that says neither when it began nor when it ended.
const UNKNOWN_DAY: Day = Day::FIRST;

pub(super) fn limited(count: i64) -> i64 {
    count.clamp(-MOST, MOST)
}

/// In millionths, halves away from zero.
pub(crate) fn micros(number: f64) -> i64 {
    // Saturates, and what is no number is zero.
    #[allow(clippy::cast_possible_truncation)]
    limited((number * 1e6).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millionths_are_rounded_away_from_zero_and_limited() {
        assert_eq!([2.4, 1.234_567_5, -1.234_567_5, 0.0].map(micros), [2_400_000, 1_234_568, -1_234_568, 0]);
        assert_eq!([1e300, -1e300, f64::NAN].map(micros), [MOST, -MOST, 0]);
    }
}
