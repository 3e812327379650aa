//! Synchronous functions that are whole traces.

use super::Run;
use super::open::{Opened, end_with, open_at, panic_end, place_of};
use crate::context::shared::Shared;
use crate::context::{Ctx, Entered};
use crate::record::draft::End;
use crate::registry::Site;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// A synchronous function that is a whole trace. Dropping it ends the trace.
#[derive(Debug)]
#[must_use = "the trace ends when this is dropped"]
pub struct RunSpan {
    shared: Option<Arc<Shared>>,
    end: Option<End>,
    /// Dropped last: the end is recorded in the trace's own place.
    _entered: Option<Entered>,
}

/// Starts a trace and makes it the current one. `run` is called only when it will be recorded.
pub fn run_enter(site: &'static Site, run: impl FnOnce() -> Run) -> RunSpan {
    if cfg!(feature = "disabled") {
        return RunSpan { shared: None, end: None, _entered: None };
    }
    match open_at(site, run) {
        Opened::Recorded(shared) => {
            let entered = Ctx::from_place(place_of(&shared)).enter();
            RunSpan { shared: Some(shared), end: None, _entered: Some(entered) }
        }
        Opened::Muted => RunSpan { shared: None, end: None, _entered: Some(Ctx::muted().enter()) },
        Opened::NoTracer => RunSpan { shared: None, end: None, _entered: None },
    }
}

impl RunSpan {
    /// Runs the code of the trace and looks at what it returned. A panic is recorded with its message and goes on unwinding.
    pub fn observed<R>(mut self, code: impl FnOnce() -> R, look: impl FnOnce(&R, &mut End)) -> R {
        if self.shared.is_none() {
            return code();
        }
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(returned) => {
                look(&returned, self.end.get_or_insert_default());
                returned
            }
            Err(payload) => {
                self.end = Some(panic_end(&*payload));
                resume_unwind(payload)
            }
        }
    }
}

impl Drop for RunSpan {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            end_with(shared, self.end.take().unwrap_or_default());
        }
    }
}
