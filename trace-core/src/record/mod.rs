//! The hot path: what a call site does on the caller's thread.
//!
//! Comes in: calls from macro expansions ([`crate::private`]) and from the functions in [`facts`]. Goes out:
//! records in this thread's ring. Nothing here does I/O or takes a lock while there is room in the ring.

pub mod capture;
mod draft;
pub mod facts;
pub mod failure;
mod future;
mod guards;
pub mod probe;
mod prompts;
mod ring;
mod run;
mod span;
mod stream;
pub mod tape;

pub use draft::{Begin, DecisionDraft, End, IntoResponse, IntoUsage, Text};
pub use future::{SpanFuture, future, future_begun, future_with};
pub use guards::{IterationGuard, ObservationGuard, StageGuard};
pub(crate) use ring::{Ring, release_payload};
pub use run::{Finish, Run, RunFuture, RunSpan, TraceContext, run_begin, run_enter, run_future};
pub use span::{BelongsToItsThread, Span, begin, call_once, decision, enter, observed, recording};
pub use stream::{IntoSpanStream, SpanStream, StreamFuture, future_stream, stream};

pub(crate) use draft::{Draft, Ending, Opening};
pub(crate) use prompts::{log_execution, prompt_rendered};

use crate::event::Body;
use crate::model::Outcome;
use crate::registry::{LinkedPrompt, Site};
use fastant::Instant;

/// One fact as the caller's thread leaves it. At most 64 bytes: a cache line.
pub(crate) enum Record {
    /// An annotated span begins.
    Start {
        trace: u64,
        at: Instant,
        id: u64,
        parent: u64,
        stage: u64,
        site: &'static Site,
        opening: Option<Box<Opening>>,
    },
    /// A span is over, annotated or not.
    End { trace: u64, at: Instant, id: u64, stage: u64, outcome: Outcome, is_stage: bool, ending: Option<Box<Ending>> },
    /// A `decision!`.
    Decision { trace: u64, at: Instant, id: u64, span: u64, stage: u64, site: &'static Site, draft: Box<Draft> },
    /// A prompt was rendered.
    Rendered { trace: u64, at: Instant, span: u64, stage: u64, linked: Box<LinkedPrompt> },
    /// Everything else, already in the shape of its event, with `span` still to be filled in.
    Fact { trace: u64, at: Instant, span: u64, stage: u64, body: Box<Body> },
}

impl Record {
    pub(crate) fn trace(&self) -> u64 {
        match self {
            Self::Start { trace, .. }
            | Self::End { trace, .. }
            | Self::Decision { trace, .. }
            | Self::Rendered { trace, .. }
            | Self::Fact { trace, .. } => *trace,
        }
    }

    pub(crate) fn at(&self) -> Instant {
        match self {
            Self::Start { at, .. }
            | Self::End { at, .. }
            | Self::Decision { at, .. }
            | Self::Rendered { at, .. }
            | Self::Fact { at, .. } => *at,
        }
    }

    /// Whether room is reserved for it: start and end of a trace, ends of stages, errors.
    fn is_reserved(&self) -> bool {
        match self {
            Self::End { is_stage, outcome, .. } => *is_stage || *outcome != Outcome::Ok,
            Self::Fact { body, .. } => {
                matches!(
                    **body,
                    Body::TraceEnd(_) | Body::StageEnd(_) | Body::ErrorRaised(_) | Body::ValidationError(_)
                )
            }
            Self::Start { .. } | Self::Decision { .. } | Self::Rendered { .. } => false,
        }
    }

    /// About how many bytes it holds outside of the ring.
    fn payload(&self) -> usize {
        match self {
            Self::Start { opening, .. } => opening.as_ref().map_or(0, |opening| opening.size()),
            Self::End { ending, .. } => ending.as_ref().map_or(0, |ending| ending.size()),
            Self::Decision { draft, .. } => draft.size(),
            Self::Rendered { .. } => 0,
            Self::Fact { body, .. } => draft::body_size(body),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_record_is_a_cache_line() {
        assert!(std::mem::size_of::<super::Record>() <= 64);
    }
}
