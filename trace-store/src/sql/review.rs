//! What people say about runs: notes, and scores of their own.
//!
//! Comes in: a trace, and what a reviewer or a judge found. Goes out: the review columns of its row, and rows of `scores` that are not
//! the pipeline's. A trace that is sent again changes none of it.

use super::error::SqlError;
use super::rows::{Cleaner, ScoreRow};
use super::store::SqlStore;
use super::value::Value;
use trace_core::model::Timestamp;

/// Who gave a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScoreSource {
    /// A person.
    Human,
    /// A model that judges.
    Judge,
}

impl ScoreSource {
    /// The word in the column `scores.source`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Judge => "judge",
        }
    }
}

/// A score that the pipeline did not give.
#[derive(Clone, Debug, PartialEq)]
pub struct HumanScore<'a> {
    /// What was scored: a principle's id, or any other name.
    pub name: &'a str,
    /// The score; any finite number.
    pub value: f64,
    /// Who gave it.
    pub source: ScoreSource,
    /// The person or model; one score of each name counts for each of them.
    pub author: Option<&'a str>,
    /// Why.
    pub feedback: Option<&'a str>,
}

impl SqlStore {
    /// Notes what a reviewer found, and with `clear` takes the run off the list of those to be reviewed. Without a note the former one
    /// stays. Returns whether there is such a trace.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub async fn review(&mut self, trace_id: &str, note: Option<&str>, clear: bool) -> Result<bool, SqlError> {
        let sql = "UPDATE traces SET review_notes = COALESCE($2, review_notes),
            flagged_for_review = flagged_for_review AND NOT $3 WHERE trace_id = $1";
        let note = note.map_or(Value::Null, |note| Value::Text(Cleaner::default().text(note).into()));
        let arguments = vec![trace_id.into(), note, Value::Bool(clear)];
        let changed = self.connection.run(sql, arguments).await;
        changed.map(|count| count > 0).map_err(|source| self.failed("noting a review", source))
    }

    /// Keeps a score of a human or a judge. The same author's former score of that name is replaced. Returns whether there is such a trace.
    ///
    /// # Errors
    /// [`SqlError::NoNumber`] for NaN and infinities, [`SqlError::Statement`].
    pub async fn score(&mut self, trace_id: &str, score: &HumanScore<'_>) -> Result<bool, SqlError> {
        if !score.value.is_finite() {
            return Err(SqlError::NoNumber { name: score.name.to_owned(), value: score.value });
        }
        if self.trace_row(trace_id).await?.is_none() {
            return Ok(false);
        }
        let inserted = self.connection.insert_rows([row(trace_id, score)]).await;
        inserted.map(|()| true).map_err(|source| self.failed("keeping a score", source))
    }
}

fn row<'a>(trace_id: &'a str, score: &HumanScore<'a>) -> ScoreRow<'a> {
    let mut clean = Cleaner::default();
    let source = score.source.as_str();
    let who = blake3::hash(format!("{}\n{}", score.author.unwrap_or_default(), score.name).as_bytes()).to_hex();
    ScoreRow {
        trace_id: trace_id.into(),
        // Ids of the pipeline's scores have a dot.
        id: format!("{source}-{}", &who[..16]).into(),
        source: source.into(),
        stage_id: None,
        stage: None,
        principle_id: clean.name(score.name),
        name: None,
        score: Some(score.value),
        feedback: score.feedback.map(|feedback| clean.text(feedback)),
        author: score.author.map(|author| clean.name(author)),
        created_at: Timestamp::now(),
    }
}
