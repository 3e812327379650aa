//! The hot path: what a call site does on the caller's thread.
//!
//! Comes in: calls from macro expansions ([`crate::private`]) and from the functions in [`facts`]. Goes out:
//! records in this thread's ring. Nothing here does I/O or takes a lock while there is room in the ring.

pub mod capture;
mod decision;
mod draft;
pub mod facts;
pub mod failure;
mod future;
mod guards;
pub mod probe;
mod ring;
mod run;
mod span;
mod stream;
pub mod tape;

pub use draft::{Begin, DecisionDraft, End, IntoResponse, IntoUsage, Text};
pub use future::{SpanFuture, future, future_begun, future_with};
pub use guards::{IterationGuard, ObservationGuard, StageGuard};
pub(crate) use ring::{Ring, RingReader, release_payload};
pub use run::{Finish, Run, RunFuture, RunSpan, TraceContext, run_begin, run_enter, run_future};
pub use span::{BelongsToItsThread, Span, begin, call_once, decision, enter, observed, recording};
pub use stream::{IntoSpanStream, SpanStream, StreamFuture, future_stream, stream};

pub(crate) use decision::Draft;
pub(crate) use draft::{Ending, Opening};

use crate::event::Body;
use crate::model::Outcome;
use crate::registry::Site;
use fastant::Instant;
use tape::Tape;

/// One fact as the caller's thread leaves it. At most 64 bytes: a cache line. What was captured for it lies in the thread's ring of bytes,
/// `captured` bytes long; what is too large for that comes along on the heap.
pub(crate) enum Record {
    /// An annotated span begins.
    Start {
        trace: u64,
        at: Instant,
        id: u64,
        parent: u64,
        stage: u64,
        site: &'static Site,
        captured: u32,
        opening: Option<Box<Opening>>,
    },
    /// A span is over, annotated or not.
    End {
        trace: u64,
        at: Instant,
        id: u64,
        stage: u64,
        outcome: Outcome,
        is_stage: bool,
        captured: u32,
        ending: Option<Box<Ending>>,
    },
    /// A `decision!`.
    Decision {
        trace: u64,
        at: Instant,
        id: u64,
        span: u64,
        stage: u64,
        site: &'static Site,
        captured: u32,
        parts: Option<Box<Tape>>,
    },
    /// Everything else, already in the shape of its event, with `span` still to be filled in.
    Fact { trace: u64, at: Instant, span: u64, stage: u64, body: Box<Body> },
}

impl Record {
    pub(crate) fn trace(&self) -> u64 {
        match self {
            Self::Start { trace, .. }
            | Self::End { trace, .. }
            | Self::Decision { trace, .. }
            | Self::Fact { trace, .. } => *trace,
        }
    }

    pub(crate) fn at(&self) -> Instant {
        match self {
            Self::Start { at, .. } | Self::End { at, .. } | Self::Decision { at, .. } | Self::Fact { at, .. } => *at,
        }
    }

    /// How many bytes of the thread's ring of bytes are its own.
    pub(crate) fn captured(&self) -> usize {
        match self {
            Self::Start { captured, .. } | Self::End { captured, .. } | Self::Decision { captured, .. } => {
                *captured as usize
            }
            Self::Fact { .. } => 0,
        }
    }

    /// Says how many bytes were put into the ring of bytes for it.
    fn set_captured(&mut self, bytes: u32) {
        match self {
            Self::Start { captured, .. } | Self::End { captured, .. } | Self::Decision { captured, .. } => {
                *captured = bytes;
            }
            Self::Fact { .. } => {}
        }
    }

    /// Takes along on the heap what was captured for it.
    fn carry(&mut self, tape: Tape) {
        match self {
            Self::Start { opening, .. } => opening.get_or_insert_default().inputs = tape,
            Self::End { ending, .. } => ending.get_or_insert_default().output = tape,
            Self::Decision { parts, .. } => *parts = Some(Box::new(tape)),
            Self::Fact { .. } => {}
        }
    }

    /// About how many bytes it holds outside of the rings.
    fn payload(&self) -> usize {
        match self {
            Self::Start { opening, .. } => opening.as_ref().map_or(0, |opening| opening.size()),
            Self::End { ending, .. } => ending.as_ref().map_or(0, |ending| ending.size()),
            Self::Decision { parts, .. } => parts.as_ref().map_or(0, |parts| parts.len()),
            Self::Fact { body, .. } => draft::body_size(body),
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
            Self::Start { .. } | Self::Decision { .. } => false,
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
