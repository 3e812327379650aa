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
mod prompts;
mod ring;
mod run;
mod span;
mod stream;
pub mod tape;

pub use draft::{Begin, DecisionDraft, End, IntoResponse, IntoUsage, Text};
pub use future::{SpanFuture, future, future_begun, future_with};
pub use guards::{IterationGuard, ObservationGuard, StageGuard};
pub(crate) use ring::{Ring, RingReader, Taken, release_payload};
pub use run::{Finish, Run, RunFuture, RunSpan, TraceContext, run_begin, run_enter, run_future};
pub use span::{begin, call_once, decision, decision_draft, observed, observed_begun, recording};
pub use stream::{IntoSpanStream, SpanStream, StreamFuture, future_stream, stream};

pub(crate) use decision::Draft;
pub(crate) use draft::{Ending, Opening};
pub(crate) use prompts::{log_execution, prompt_rendered};

use crate::event::Body;
use crate::model::Outcome;
use crate::registry::{LinkedPrompt, Site};
use fastant::Instant;
use tape::Tape;

/// One fact as the caller's thread leaves it: a cache line, copied into the thread's ring. What was captured for it lies in the ring of bytes beside it,
/// and what is on the heap in a third ring: see [`ring`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) trace: u64,
    pub(crate) at: Instant,
    pub(crate) stage: u64,
    pub(crate) what: What,
    /// How many bytes of the ring of bytes are its own.
    captured: u32,
    /// Whether the next [`Load`] is its own.
    has_load: bool,
}

/// What a record says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// An annotated span begins.
    Start { id: u64, parent: u64, site: &'static Site },
    /// A span is over, annotated or not.
    End { id: u64, outcome: Outcome, is_stage: bool },
    /// A `decision!`.
    Decision { id: u64, span: u64, site: &'static Site },
    /// A prompt was rendered; its load says which version.
    Rendered { span: u64 },
    /// Everything else; its load has the shape of its event, with `span` still to be filled in.
    Fact { span: u64 },
}

/// What a record brings along on the heap. Most have none.
#[derive(Debug)]
pub(crate) enum Load {
    Opening(Box<Opening>),
    Ending(Box<Ending>),
    /// Of a decision whose parts found no room in the ring of bytes.
    Parts(Box<Tape>),
    Rendered(Box<LinkedPrompt>),
    Body(Box<Body>),
}

/// A record and its load, on their way beside the rings.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) record: Record,
    pub(crate) load: Option<Load>,
}

impl Record {
    #[inline(always)]
    pub(crate) fn new(trace: u64, at: Instant, stage: u64, what: What) -> Self {
        Self { trace, at, stage, what, captured: 0, has_load: false }
    }

    /// A fact of now.
    pub(crate) fn fact(trace: u64, span: u64, stage: u64, body: Body) -> Recorded {
        let record = Self::new(trace, Instant::now(), stage, What::Fact { span });
        Recorded { record, load: Some(Load::Body(Box::new(body))) }
    }
}

impl Recorded {
    /// Takes along on the heap what was captured for it.
    fn carry(&mut self, tape: Tape) {
        match (self.record.what, &mut self.load) {
            (_, Some(Load::Opening(opening))) => opening.inputs = tape,
            (_, Some(Load::Ending(ending))) => ending.output = tape,
            (What::Start { .. }, load) => {
                *load = Some(Load::Opening(Box::new(Opening { inputs: tape, ..Opening::default() })));
            }
            (What::End { .. }, load) => {
                *load = Some(Load::Ending(Box::new(Ending { output: tape, ..Ending::default() })));
            }
            (What::Decision { .. }, load) => *load = Some(Load::Parts(Box::new(tape))),
            // Nothing is captured for it.
            (What::Rendered { .. } | What::Fact { .. }, _) => {}
        }
    }

    /// Whether room is reserved for it: start and end of a trace, ends of stages, errors.
    fn is_reserved(&self) -> bool {
        match (self.record.what, &self.load) {
            (What::End { outcome, is_stage, .. }, _) => is_stage || outcome != Outcome::Ok,
            (What::Fact { .. }, Some(Load::Body(body))) => {
                matches!(
                    **body,
                    Body::TraceEnd(_) | Body::StageEnd(_) | Body::ErrorRaised(_) | Body::ValidationError(_)
                )
            }
            _ => false,
        }
    }
}

impl Load {
    /// About how many bytes it holds.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Opening(opening) => opening.size(),
            Self::Ending(ending) => ending.size(),
            Self::Parts(parts) => parts.len(),
            Self::Rendered(_) => 0,
            Self::Body(body) => draft::body_size(body),
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
