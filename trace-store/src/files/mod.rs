//! Traces as files, and as text for people.
//!
//! Comes in: finished traces, from the collector ([`DocumentSink`], [`SummarySink`], [`ScorecardSink`]). Goes out: the JSON
//! document `{project}/_traces/{trace_id}.json`, the Markdown summary beside it, the scorecard on stderr, and documents
//! read back ([`find`], [`load`], [`list`]).
//!
//! A file is written whole or not at all, and nothing recorded can leave its folder, break the Markdown or act on the terminal.

mod atomic;
mod document;
mod escape;
mod figures;
mod front_matter;
mod latest;
mod layout;
mod read;
mod scorecard;
mod summary;
mod terminal;
mod units;

pub use atomic::{FileError, remove_abandoned};
pub use document::{DocumentSink, SummarySink};
pub(crate) use escape::one_line;
pub use front_matter::{FrontMatter, front_matter};
pub use layout::{BadTraceId, TRACES_DIR, document_path, summary_path};
pub use read::{Listing, Problem, ReadError, StoredDocument, find, list, load, read_document};
pub use scorecard::{Style, render};
pub use summary::summary;
pub use terminal::{ParseModeError, ScorecardMode, ScorecardSink};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use units::{count, dollars, duration, score};

#[cfg(test)]
mod fixture;
