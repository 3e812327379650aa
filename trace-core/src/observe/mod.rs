//! Observers: code of the program's own that sees every event as it is accepted.
//!
//! Comes in: events as the stream holds them, redacted and limited, from the collector. Goes out: calls of [`Observer::event`], on a
//! thread that belongs to that observer alone. Between the two is a bounded queue: a slow observer misses events, and is told how many;
//! one that panics loses that event, and after [`PANICS`] in a row gets no more. Neither is felt by the traced program, by
//! the sinks, or by other observers.

mod kinds;
mod queue;

pub use kinds::Kinds;
pub(crate) use queue::{ObserverHandle, broadcast, close, flush};

use crate::event::Event;

/// Events that wait for one observer, unless it says otherwise; see [`Observer::capacity`].
pub const CAPACITY: usize = 8192;

/// Bytes of events that wait for one observer, about.
pub const CAPACITY_BYTES: usize = 32 << 20;

/// After so many panics in a row an observer gets no more events.
pub const PANICS: u32 = 8;

/// Sees the events of all traces in this process. A closure over `&Event` is one; [`only`] filters for it.
///
/// ```
/// use trace_core::event::{Body, Event};
/// use trace_core::observe::{Kinds, Observer};
///
/// struct Alarm;
///
/// impl Observer for Alarm {
///     fn kinds(&self) -> Kinds {
///         Kinds::only(["validation_error", "error"])
///     }
///
///     fn event(&self, event: &Event) {
///         if let Body::ValidationError(error) = &event.body {
///             // page somebody
///             # let _ = error;
///         }
///     }
/// }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// A name for reports and messages; that of its type, unless it says otherwise.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// Which events it wants to see; asked once, when tracing starts.
    fn kinds(&self) -> Kinds {
        Kinds::all()
    }

    /// How many events may wait for it; asked once. Beyond, or beyond [`CAPACITY_BYTES`], events are dropped and counted.
    fn capacity(&self) -> usize {
        CAPACITY
    }

    /// An event. Called on a thread of the observer's own, one event after the other, in the order of the stream; blocking is fine. What is
    /// recorded in here is not traced.
    fn event(&self, event: &Event);

    /// So many events were dropped since the last one, because too many were waiting.
    fn missed(&self, count: u64) {
        let _ = count;
    }
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// An observer that sees some kinds of events only; see [`only`].
#[derive(Clone, Debug)]
pub struct Only<O> {
    kinds: Kinds,
    observer: O,
}

/// Lets an observer see the named kinds of events only, such as `decision` (see [`Body::NAMES`](crate::event::Body::NAMES)).
///
/// ```
/// use trace_core::event::Event;
/// use trace_core::observe::{Observer, only};
/// let decisions = only(["decision"], |event: &Event| eprintln!("{:?}", event.body));
/// assert!(decisions.kinds().contains("decision") && !decisions.kinds().contains("error"));
/// ```
pub fn only<O: Observer>(kinds: impl IntoIterator<Item = impl Into<String>>, observer: O) -> Only<O> {
    Only { kinds: Kinds::only(kinds), observer }
}

impl<O: Observer> Observer for Only<O> {
    fn name(&self) -> &str {
        self.observer.name()
    }

    fn kinds(&self) -> Kinds {
        self.kinds.clone()
    }

    fn capacity(&self) -> usize {
        self.observer.capacity()
    }

    fn event(&self, event: &Event) {
        self.observer.event(event);
    }

    fn missed(&self, count: u64) {
        self.observer.missed(count);
    }
}

/// What became of the events that an observer wanted. `seen + dropped + panics` is their number, once none is waiting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObserverReport {
    /// The observer's name.
    pub name: String,
    /// Events that it took.
    pub seen: u64,
    /// Events that it was not given, because too many were waiting or it had been switched off.
    pub dropped: u64,
    /// Events over which it panicked.
    pub panics: u64,
}
