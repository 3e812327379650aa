//! A trace as lists show it.

use crate::sql::DatabaseKind;
use crate::sql::value::{Cell, CellRef, Column, Json, Kind, Row, Value, row};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trace_core::model::{Money, Status, Timestamp};

/// How many characters of a text of any length a list shows.
const CUT: usize = 500;

/// The columns that hold texts of any length.
const LONG: [&str; 3] = ["query", "error_message", "review_notes"];

row! {
    /// A trace as lists show it. The fields are columns of `traces`, by their names.
    #[derive(Serialize, Deserialize)]
    #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
    #[non_exhaustive]
    pub struct TraceItem in "traces", key [trace_id], keep [] {
        /// The trace.
        trace_id: String,
        /// The project's folder name.
        project_id: String,
        /// What the run was asked; the first 500 characters.
        query: Option<String>,
        /// What the asker wants to do with it.
        intent: Option<String>,
        /// The subject area.
        domain: Option<String>,
        /// The sort of report wanted.
        report_type: Option<String>,
        /// How it ended.
        status: Status,
        /// The verdict of the last quality gate.
        quality_gate_passed: Option<bool>,
        /// The score at the last quality gate.
        overall_quality_score: Option<f64>,
        /// When it began.
        started_at: Option<Timestamp>,
        /// When it ended.
        completed_at: Option<Timestamp>,
        /// How long it took.
        duration_seconds: Option<f64>,
        /// The principles below the gap threshold at the last quality gate.
        gap_principles: Vec<String>,
        /// How many passes the retry loop took.
        iteration_count: i64,
        /// How many times the gate failed.
        quality_gate_failures: i64,
        /// Whether somebody should look at it.
        flagged_for_review: bool,
        /// What a reviewer wrote; the first 500 characters.
        review_notes: Option<String>,
        /// The conversation or job; without one, the trace id.
        session_id: String,
        /// Who it was run for.
        user_id: Option<String>,
        /// Free labels.
        tags: BTreeMap<String, String>,
        /// The trace this one is a child of.
        parent_trace_id: Option<String>,
        /// The model of the synthesis stages; several are joined by `, `.
        synthesis_model: Option<String>,
        /// What all model calls cost, as far as known.
        total_cost_usd: Option<Money>,
        /// Input tokens of all model calls, everything cached included.
        total_input_tokens: Option<i64>,
        /// Output tokens of all model calls, reasoning included.
        total_output_tokens: Option<i64>,
        /// How many observations of kind `llm` there are.
        llm_calls: i64,
        /// How many decisions were made.
        decision_count: i64,
        /// The type of the run's error, or of the first failed stage's.
        error_type: Option<String>,
        /// Its message; the first 500 characters.
        error_message: Option<String>,
        /// Whether document and child rows are kept as well.
        sampled: bool,
    }
}

impl TraceItem {
    /// The columns as a list to select from `traces`.
    pub(crate) fn selection(kind: DatabaseKind) -> String {
        let select = |column: &Column| {
            let stored = format!("traces.{}", kind.stored(column));
            let shown = if LONG.contains(&column.name) { format!("substr({stored}, 1, {CUT})") } else { stored };
            kind.read(&shown, column)
        };
        Self::TABLE.columns.iter().map(select).collect::<Vec<_>>().join(", ")
    }
}

impl Cell for Status {
    const KIND: Kind = Kind::Text;

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Text(self.as_str().into())
    }

    fn into_cell(self) -> Value {
        self.as_str().into()
    }

    fn from_cell(cell: Value) -> Option<Self> {
        let word = String::from_cell(cell)?;
        [Self::InProgress, Self::Complete, Self::Incomplete, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl Cell for BTreeMap<String, String> {
    const KIND: Kind = Kind::Json;

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Text(Json::of(self).0.into())
    }

    fn into_cell(self) -> Value {
        Json::of(&self).into_cell()
    }

    fn from_cell(cell: Value) -> Option<Self> {
        serde_json::from_str(&String::from_cell(cell)?).ok()
    }
}
