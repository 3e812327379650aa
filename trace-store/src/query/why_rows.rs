//! The rows that a run is told from, each with the order in which they are read.

use super::error::QueryError;
use super::store::Store;
use super::why::{GateScore, WhyError, WhyFlag};
use crate::sql::value::{Row, row};

row! {
    /// A stage that judged.
    pub(super) struct GateRow in "stages", key [trace_id, id], keep [] {
        id: String,
        name: String,
        passing: Option<bool>,
        overall_score: Option<f64>,
        threshold: Option<f64>,
        gaps: Vec<String>,
    }
}

impl GateRow {
    /// The last stage that gave a verdict.
    pub(super) const VERDICT: &'static str = " AND stages.passing IS NOT NULL ORDER BY stages.position DESC LIMIT 1";
    /// The last stage that gave a score.
    pub(super) const SCORE: &'static str =
        " AND stages.overall_score IS NOT NULL ORDER BY stages.position DESC LIMIT 1";
}

row! {
    /// A score of a principle.
    pub(super) struct ScoreHead in "scores", key [trace_id, id], keep [] {
        stage_id: Option<String>,
        source: String,
        principle_id: String,
        name: Option<String>,
        score: Option<f64>,
        feedback: Option<String>,
    }
}

impl ScoreHead {
    pub(super) const ORDER: &'static str = " ORDER BY scores.principle_id, scores.id LIMIT 500";

    pub(super) fn judged(self, gaps: &[String]) -> GateScore {
        let is_gap = self.source == "pipeline" && gaps.contains(&self.principle_id);
        let Self { principle_id, name, score, feedback, source, .. } = self;
        GateScore { principle_id, name, score, is_gap, feedback, source }
    }
}

row! {
    /// A model call made with a prompt.
    pub(super) struct PromptRow in "observations", key [trace_id, id], keep [] {
        id: String,
        stage_id: String,
        stage: String,
        prompt_name: String,
        prompt_version: Option<i64>,
        model: Option<String>,
    }
}

impl PromptRow {
    pub(super) const ORDER: &'static str =
        " AND observations.prompt_name IS NOT NULL ORDER BY observations.position LIMIT 1000";

    /// `name@version`.
    pub(super) fn shown(&self) -> String {
        match self.prompt_version {
            Some(version) => format!("{}@{version}", self.prompt_name),
            None => self.prompt_name.clone(),
        }
    }
}

row! {
    /// A quality pattern.
    pub(super) struct FlagHead in "calibration_flags", key [trace_id, id], keep [] {
        kind: String,
        message: String,
        n: i64,
        effect: Option<f64>,
        thin: bool,
    }
}

impl FlagHead {
    pub(super) const ORDER: &'static str =
        " ORDER BY calibration_flags.thin, calibration_flags.kind, calibration_flags.id LIMIT 100";
}

impl From<FlagHead> for WhyFlag {
    fn from(row: FlagHead) -> Self {
        let FlagHead { kind, message, n, effect, thin } = row;
        Self { kind, message, n, effect, thin }
    }
}

row! {
    /// An error of a stage or of an observed call.
    pub(super) struct ErrorRow in "observations", key [trace_id, id], keep [] {
        stage: String,
        observation: Option<String>,
        error_type: Option<String>,
        error_message: Option<String>,
    }
}

impl ErrorRow {
    /// The errors of a trace, whose id is that parameter: stage by stage, calls before the stage that they made fail.
    pub(super) fn statement(id: &str) -> String {
        format!(
            "SELECT stage, observation, error_type, error_message FROM (\
             SELECT s.position AS stage_position, o.position AS position, o.stage AS stage, o.name AS observation, \
             o.error_type, substr(o.error_message, 1, 500) AS error_message \
             FROM observations AS o JOIN stages AS s ON s.trace_id = o.trace_id AND s.id = o.stage_id \
             WHERE o.trace_id = {id} AND (o.error_type IS NOT NULL OR o.error_message IS NOT NULL) \
             UNION ALL SELECT position, 9223372036854775807, name, NULL, error_type, substr(error_message, 1, 500) \
             FROM stages WHERE trace_id = {id} AND (error_type IS NOT NULL OR error_message IS NOT NULL)\
             ) AS errors ORDER BY stage_position, position LIMIT 50"
        )
    }
}

impl From<ErrorRow> for WhyError {
    fn from(row: ErrorRow) -> Self {
        let ErrorRow { stage, observation, error_type, error_message } = row;
        Self { stage, observation, error_type, error_message }
    }
}

impl Store {
    /// The rows of a trace in a table; `order` limits and orders them.
    pub(super) async fn rows_of<R: Row>(&self, trace_id: &str, order: &'static str) -> Result<Vec<R>, QueryError> {
        let mut ask = self.statement();
        ask.select::<R>().of_trace::<R>(trace_id).push(order);
        Ok(self.fetch("reading a trace", ask).await?)
    }
}
