//! Sessions: the event stream of a conversation or a generation job, read back, summed up, followed.
//!
//! Comes in: `session_<id>.jsonl`. Goes out: the same events ([`Session`]), what they amount to ([`SessionSummary`]), or one event
//! after the other while they are written ([`Follow`]).

mod errors;
mod follow;
mod summary;

pub use errors::SessionError;
pub use follow::{Follow, Stop};
pub use summary::{SessionSummary, StageTiming, TraceTiming};

use super::layout::TRACES_DIR;
use super::read::ReadError;
use std::path::{Path, PathBuf};
use trace_core::collect::{read_events, stream_file_name, traces_of_events};
use trace_core::event::Event;
use trace_core::model::Trace;

/// A session as its stream tells it.
///
/// ```no_run
/// let session = trace_store::files::Session::load("traces/codegen/_traces/session_job-1.jsonl".as_ref())?;
/// println!("{}", session.generate_summary());
/// for event in &session.events {
///     println!("{} {}", event.ts, event.body.name());
/// }
/// # Ok::<(), trace_store::files::ReadError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    /// The stream.
    pub path: PathBuf,
    /// The session's id; that of the first event.
    pub session_id: String,
    /// The events of all its traces, in the order of the lines.
    pub events: Vec<Event>,
    /// Lines that are no events: what a killed process left half written.
    pub skipped_lines: u64,
}

impl Session {
    /// Reads a stream.
    ///
    /// # Errors
    /// [`ReadError::File`] when it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ReadError> {
        let mut events = Vec::new();
        let read = read_events(path, |event| events.push(event));
        let skipped_lines = read.map_err(|cause| ReadError::File { path: path.to_owned(), cause })?;
        let session_id = events.first().map_or_else(String::new, |event| event.session_id.clone());
        Ok(Self { path: path.to_owned(), session_id, events, skipped_lines })
    }

    /// The traces of the session, folded from its events, in the order in which they began. Large texts stay in their side files; see
    /// [`restore_texts`](super::restore_texts).
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        traces_of_events(self.events.iter().cloned())
    }

    /// What the session amounts to: events by kind, stages with durations, errors, model calls, tokens, cost.
    #[must_use]
    pub fn generate_summary(&self) -> SessionSummary {
        SessionSummary::of(self)
    }
}

/// Where the stream of a session is: `{project_dir}/_traces/session_<id>.jsonl`.
#[must_use]
pub fn session_path(project_dir: &Path, session_id: &str) -> PathBuf {
    project_dir.join(TRACES_DIR).join(stream_file_name(session_id))
}

#[cfg(test)]
mod tests;
