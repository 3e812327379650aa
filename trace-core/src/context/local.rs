//! The thread-local that everything on the hot path reads.

use super::shared::Shared;
use crate::record::tape::Tape;
use crate::record::{Record, Recorded, Ring};
use crate::tracer::Tracer;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

thread_local! {
    static LOCAL: Local = const { Local::new() };

    /// The key of the trace that is recorded here; 0 outside any. Apart from the rest, since a thread-local with nothing to drop is a plain load: that
    /// is all that a call site outside of the traces of its process pays.
    static KEY: Cell<u64> = const { Cell::new(0) };
}

/// This thread's place in a trace, and its ring.
pub(crate) struct Local {
    /// The innermost span: stage, observation, or the trace itself.
    pub(crate) span: Cell<u64>,
    /// The innermost stage; 0 outside any.
    pub(crate) stage: Cell<u64>,
    /// The span that the running poll of a [`crate::record::SpanFuture`] began, or 0.
    pub(crate) begun: Cell<u64>,
    /// Nothing is recorded here, and that is on purpose.
    muted: Cell<bool>,
    trace: RefCell<Option<Arc<Shared>>>,
    /// Traces started here go to this tracer instead of the global one.
    tracer: RefCell<Option<Tracer>>,
    ring: RefCell<Option<Ring>>,
    /// Memory for the next tape.
    pub(crate) spare: Cell<Vec<u8>>,
    ids: Cell<u64>,
}

/// A place in a trace, as it is swapped in and out of the thread-local.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) trace: Option<Arc<Shared>>,
    pub(crate) span: u64,
    pub(crate) stage: u64,
    pub(crate) muted: bool,
    pub(crate) tracer: Option<Tracer>,
}

/// Runs `f` with this thread's local; `None` while the thread is being torn down.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Local) -> R) -> Option<R> {
    LOCAL.try_with(f).ok()
}

/// The key of the trace that is recorded on this thread; 0 for none.
#[inline(always)]
pub(crate) fn key() -> u64 {
    KEY.get()
}

impl Local {
    const fn new() -> Self {
        Self {
            span: Cell::new(0),
            stage: Cell::new(0),
            begun: Cell::new(0),
            muted: Cell::new(false),
            trace: RefCell::new(None),
            tracer: RefCell::new(None),
            ring: RefCell::new(None),
            spare: Cell::new(Vec::new()),
            ids: Cell::new(0),
        }
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.muted.get()
    }

    pub(crate) fn trace(&self) -> Option<Arc<Shared>> {
        self.trace.borrow().clone()
    }

    /// The tracer that a trace started here goes to.
    pub(crate) fn tracer(&self) -> Option<Tracer> {
        if let Some(tracer) = &*self.tracer.borrow() {
            return Some(tracer.clone());
        }
        self.trace.borrow().as_ref().map(|trace| trace.tracer.clone())
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            trace: self.trace(),
            span: self.span.get(),
            stage: self.stage.get(),
            muted: self.muted.get(),
            tracer: self.tracer.borrow().clone(),
        }
    }

    /// Exchanges this thread's place with `other`.
    pub(crate) fn swap(&self, other: &mut Place) {
        std::mem::swap(&mut *self.trace.borrow_mut(), &mut other.trace);
        std::mem::swap(&mut *self.tracer.borrow_mut(), &mut other.tracer);
        other.span = self.span.replace(other.span);
        other.stage = self.stage.replace(other.stage);
        other.muted = self.muted.replace(other.muted);
        let key = match &*self.trace.borrow() {
            Some(trace) if !self.muted.get() => trace.key,
            _ => 0,
        };
        KEY.set(key);
    }

    /// An id that no other span or decision of any trace has: this thread's random start, stepped and mixed. The mixing
    /// function (splitmix64's finaliser) is a bijection, so ids of one thread never repeat; those of two threads
    /// meet with the probability of two random 64-bit numbers.
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        let mut state = self.ids.get();
        if state == 0 {
            state = random_u64();
        }
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.ids.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        if z == 0 { self.next_id() } else { z }
    }

    /// Hands a record to the collector that brings nothing along, and what was captured for it; waits, or drops and counts, when this thread's
    /// ring is full. The record is made where it is pushed to: one that two places share is put together on the stack first, and copying
    /// what was just written in pieces takes as long as writing it.
    #[inline(always)]
    pub(crate) fn push_plain(&self, make: impl Fn() -> Record, captured: &mut Tape) {
        // Pushing runs no code but ours: it never meets itself.
        let Ok(mut ring) = self.ring.try_borrow_mut() else { return };
        if ring.as_mut().is_some_and(|ring| ring.push_plain(&make, captured)) {
            if !captured.is_empty() {
                std::mem::take(captured).recycle();
            }
        } else {
            self.push_into(&mut ring, Recorded { record: make(), load: None }, std::mem::take(captured));
        }
    }

    /// The same for any record.
    pub(crate) fn push(&self, recorded: Recorded, captured: Tape) {
        if let Ok(mut ring) = self.ring.try_borrow_mut() {
            self.push_into(&mut ring, recorded, captured);
        }
    }

    /// Makes the ring if this is the thread's first record.
    #[inline(never)]
    fn push_into(&self, ring: &mut Option<Ring>, recorded: Recorded, captured: Tape) {
        let ring = match ring {
            Some(ring) => ring,
            None => {
                let Some(trace) = self.trace() else { return };
                ring.insert(Ring::register(trace.tracer.options().ring_records))
            }
        };
        if let Err((recorded, captured)) = ring.push(recorded, captured) {
            // The record may belong to another trace than the current one (a guard dropped late), so ask it.
            ring.push_slowly(recorded, captured, self.trace.borrow().as_deref());
        }
    }
}

impl Drop for Local {
    /// The thread is being torn down: nothing is recorded any more.
    fn drop(&mut self) {
        KEY.set(0);
    }
}

/// 64 random bits from the operating system, never 0.
pub(crate) fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        // No entropy source: the hasher's per-process keys and the clock are what is left.
        use std::hash::{BuildHasher, Hasher};
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u128(std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos());
        bytes = hasher.finish().to_le_bytes();
    }
    u64::from_le_bytes(bytes).max(1)
}
