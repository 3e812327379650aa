//! Errors that come again.

use super::normal::normal;
use crate::query::error::QueryError;
use crate::query::lists::add_window;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::value::{Column, Kind, row};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use trace_core::model::Timestamp;

/// How many different messages are looked at, the newest first.
const MESSAGES: usize = 20_000;

/// Errors of runs that say the same but for numbers, ids and quoted texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorPattern {
    /// The type of the error.
    pub error_type: Option<String>,
    /// What the messages have in common: `#` stands for a number or an id, `"…"` for a quoted text.
    pub message: String,
    /// How many runs ended with it.
    pub count: i64,
    /// When the last of them began.
    pub last_seen: Option<Timestamp>,
    /// The newest of them, by its id.
    pub example_trace_id: String,
}

row! {
    struct ErrorRow in "traces", key [trace_id], keep [] {
        error_type: Option<String>,
        message: Option<String>,
        count: i64,
        last_seen: Option<Timestamp>,
        example: String,
    }
}

impl Store {
    /// The errors that runs ended with, the most frequent first. Of at most 20,000 different messages, the newest.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn error_patterns(&self, window: Window) -> Result<Vec<ErrorPattern>, QueryError> {
        let mut ask = self.statement();
        let last = ask.kind.read("MAX(traces.started_at)", &Column { name: "last_seen", kind: Kind::Time });
        let by_bytes = ask.kind.by_bytes();
        ask.push(&format!(
            "SELECT traces.error_type, substr(traces.error_message, 1, 500) AS message, COUNT(*) AS count, {last}, \
             MAX(traces.trace_id{by_bytes}) AS example FROM traces \
             WHERE (traces.error_type IS NOT NULL OR traces.error_message IS NOT NULL)"
        ));
        add_window(&mut ask, window, "traces.started_at");
        ask.push(&format!(
            " GROUP BY traces.error_type, substr(traces.error_message, 1, 500) \
             ORDER BY MAX(traces.started_at) DESC LIMIT {MESSAGES}"
        ));
        Ok(patterns(self.fetch::<ErrorRow>("looking for errors", ask).await?))
    }
}

fn patterns(rows: Vec<ErrorRow>) -> Vec<ErrorPattern> {
    let mut found: HashMap<(Option<String>, String), ErrorPattern> = HashMap::new();
    for row in rows {
        let message = normal(row.message.as_deref().unwrap_or_default());
        let pattern = found.entry((row.error_type.clone(), message.clone())).or_insert(ErrorPattern {
            error_type: row.error_type,
            message,
            count: 0,
            last_seen: row.last_seen,
            example_trace_id: row.example.clone(),
        });
        pattern.count += row.count;
        pattern.last_seen = pattern.last_seen.max(row.last_seen);
        if pattern.example_trace_id < row.example {
            pattern.example_trace_id = row.example;
        }
    }
    let mut patterns: Vec<ErrorPattern> = found.into_values().collect();
    patterns.sort_by(|a, b| {
        let rest = || (&a.error_type, &a.message).cmp(&(&b.error_type, &b.message));
        b.count.cmp(&a.count).then(b.last_seen.cmp(&a.last_seen)).then_with(rest)
    });
    patterns
}
