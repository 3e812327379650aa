//! Which spans of `tracing` this thread is in, each with the place that entering it made current.

use std::cell::RefCell;
use trace_core::context::{Ctx, Entered};
use tracing::span::Id;

thread_local! {
    static ENTERED: RefCell<Vec<Level>> = const { RefCell::new(Vec::new()) };
}

/// A span that was entered; without a place once it was left.
struct Level {
    id: Id,
    is_left: bool,
    /// Dropping it restores the place before.
    _place: Entered,
}

/// Makes a place the current one until the span is left.
pub(super) fn enter(id: &Id, place: &Ctx) {
    // A thread that is ending has no trace.
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            entered.push(Level { id: id.clone(), is_left: false, _place: place.enter() });
        }
    });
}

/// Leaves a span. Places are restored in the reverse order of entering; one that is left early waits for those entered after it.
pub(super) fn exit(id: &Id) {
    let _ = ENTERED.try_with(|entered| {
        let Ok(mut entered) = entered.try_borrow_mut() else { return };
        if let Some(level) = entered.iter_mut().rev().find(|level| level.id == *id && !level.is_left) {
            level.is_left = true;
        }
        while entered.pop_if(|level| level.is_left).is_some() {}
    });
}
