//! Traces as files, and as text for people.
//!
//! Comes in: finished traces, from the collector ([`DocumentSink`], [`SummarySink`], [`ScorecardSink`]). Goes out: the JSON
//! document `{project}/_traces/{trace_id}.json`, the Markdown summary beside it, the scorecard on stderr, and documents
//! read back ([`find`], [`load`], [`list`]), and sessions ([`Session`], [`Follow`]).
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
mod session;
mod side_files;
mod summary;
mod terminal;
mod units;

pub(crate) use atomic::copy;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use atomic::{Durability, replace};
pub use atomic::{FileError, remove_abandoned};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use document::write;
pub use document::{DocumentSink, SummarySink};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use escape::markdown;
pub use escape::one_line;
pub use front_matter::{FrontMatter, front_matter};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use layout::is_trace_id;
pub use layout::{BadTraceId, TRACES_DIR, document_path, summary_path};
pub use read::{Listing, Problem, ReadError, StoredDocument, find, list, load, read_document};
#[cfg(feature = "_sql")]
pub(crate) use read::{documents, import_inside};
pub(crate) use read::{import_document, is_side_file};
pub use scorecard::{Style, render};
pub use session::{Follow, Session, SessionError, SessionSummary, StageTiming, Stop, TraceTiming, session_path};
pub(crate) use side_files::named as side_files_of;
pub use side_files::{read_whole, restore_texts};
pub use summary::summary;
pub use terminal::{ParseModeError, ScorecardMode, ScorecardSink};
pub use units::{count, counted, dollars, duration, overall, score};

#[cfg(test)]
mod fixture;
