//! Why a question could not be answered, and what to do about it.

use super::filter::FilterError;
use crate::files::{ReadError, one_line};
use crate::sql::SqlError;

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The database.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The folder of documents, or a document of it.
    #[error(transparent)]
    File(#[from] ReadError),
    /// The filter.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// There is no such trace.
    #[error("there is no trace `{}` in {place}", one_line(id, 128))]
    NoSuchTrace {
        /// What was asked for.
        id: String,
        /// Where it was looked for.
        place: String,
    },
    /// Several traces begin with what was given.
    #[error("`{}` is the beginning of several traces: {}{}; give more of the id", one_line(prefix, 128), candidates.join(", "), if *more { ", …" } else { "" })]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// The ids that begin with it, newest first, five at most.
        candidates: Vec<String>,
        /// Whether there are further ones.
        more: bool,
    },
    /// The trace is known, and nothing but its row is kept.
    #[error("of trace {trace_id} only its row is kept: {reason}")]
    NoDocument {
        /// The trace.
        trace_id: String,
        /// Why there is no document.
        reason: String,
    },
    /// A page that no listing gave.
    #[error("`{}` is not a cursor: pass the `next_cursor` of the listing before, or none for the first page", one_line(.0, 64))]
    Cursor(String),
    /// A moment that is none.
    #[error("`{}` is not a moment: expected 2026-02-13, 2026-02-13T14:30:22Z, -7d (also h, m, s, w) or now", one_line(.0, 64))]
    Moment(String),
    /// The index of a folder could not be made.
    #[error("cannot index the documents of {folder}: {reason}")]
    Index {
        /// The folder.
        folder: String,
        /// Why.
        reason: String,
    },
}
