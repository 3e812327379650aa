//! Which trace and which span the running code belongs to.
//!
//! The answer is a thread-local that our own futures restore on every poll, so it holds on any executor. [`Ctx`] carries it
//! to spawned tasks, threads and rayon; [`Ctx::traceparent`] to other processes.

mod ctx;
pub(crate) mod local;
pub(crate) mod notice;
mod propagation;
pub(crate) mod shared;

pub(crate) use ctx::Swapped;
pub use ctx::{Ctx, DontHoldAcrossAwait, Entered, InContext};
pub(crate) use propagation::Carried;
pub use propagation::{RemoteParent, TraceparentError, parse_traceparent, percent_decoded};
