//! Whole traces: `#[traced_run]`, and [`TraceContext`] for code without macros.

mod context;
mod future;
mod open;
mod options;
mod span;

pub use context::{Finish, TraceContext};
pub use future::{RunFuture, run_begin, run_future};
pub use options::Run;
pub use span::{RunSpan, run_enter};
