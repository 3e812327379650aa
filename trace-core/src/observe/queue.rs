//! An observer's queue and thread.

use super::{CAPACITY_BYTES, Kinds, Observer, ObserverReport, PANICS};
use crate::context::local::{self, Place};
use crate::diagnostics::say;
use crate::event::Event;
use crate::fold::event_bytes;
use crate::redact::log_line;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a flush, or the end of the program, waits for observers that lag behind: they are no part of what must be kept.
const PATIENCE: Duration = Duration::from_secs(1);

/// An observer with its queue; its thread holds the other end.
pub(crate) struct ObserverHandle {
    kinds: Kinds,
    queue: Arc<Queue>,
}

struct Queue {
    name: String,
    capacity: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// An event is with the observer.
    active: bool,
    closed: bool,
    seen: u64,
    dropped: u64,
    panics: u64,
    /// Drops that the observer was not told of yet.
    untold: u64,
}

struct Waiting {
    event: Arc<Event>,
    bytes: usize,
    /// Events that were dropped before this one.
    missed: u64,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_one(&mut self) {
        self.dropped += 1;
        self.untold += 1;
    }

    /// Nothing more is given to the observer.
    fn close(&mut self) {
        self.closed = true;
        self.dropped += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
    }
}

impl ObserverHandle {
    /// Starts the observer's thread.
    pub(crate) fn start(observer: Arc<dyn Observer>) -> io::Result<Self> {
        // The program is starting: what an observer says of itself must not keep it from doing so.
        let asked = catch_unwind(AssertUnwindSafe(|| {
            (observer.name().to_owned(), observer.kinds(), observer.capacity().max(1))
        }));
        let (name, kinds, capacity) = asked.unwrap_or_else(|_| ("observer".to_owned(), Kinds::all(), super::CAPACITY));
        let state = Mutex::new(State::default());
        let queue = Arc::new(Queue { name, capacity, state, changed: Condvar::new() });
        let of_thread = Arc::clone(&queue);
        std::thread::Builder::new().name("whytrace-observer".to_owned()).spawn(move || work(&*observer, &of_thread))?;
        Ok(Self { kinds, queue })
    }

    fn send(&self, event: &Arc<Event>, bytes: usize) {
        let mut state = self.queue.state();
        let is_full = state.waiting.len() >= self.queue.capacity
            || (state.bytes + bytes > CAPACITY_BYTES && !state.waiting.is_empty());
        if state.closed || is_full {
            return state.drop_one();
        }
        let missed = std::mem::take(&mut state.untold);
        state.bytes += bytes;
        state.waiting.push_back(Waiting { event: Arc::clone(event), bytes, missed });
        drop(state);
        self.queue.changed.notify_all();
    }

    fn wait_idle(&self, until: Instant) {
        let mut state = self.queue.state();
        while state.active || !state.waiting.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.queue.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn close(&self) {
        let mut state = self.queue.state();
        if state.closed {
            return;
        }
        state.close();
        let (dropped, name) = (state.dropped, &self.queue.name);
        drop(state);
        self.queue.changed.notify_all();
        if dropped > 0 {
            say(&log_line(&format!("the observer {name} missed {dropped} events: it was too slow for them")));
        }
    }

    pub(crate) fn report(&self) -> ObserverReport {
        let state = self.queue.state();
        let (seen, dropped, panics) = (state.seen, state.dropped, state.panics);
        ObserverReport { name: self.queue.name.clone(), seen, dropped, panics }
    }
}

impl Drop for ObserverHandle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Gives an event to every observer that wants it.
pub(crate) fn broadcast(observers: &[ObserverHandle], event: &Event) {
    let mut wanting = observers.iter().filter(|observer| observer.kinds.contains(event.body.name())).peekable();
    if wanting.peek().is_some() {
        let (shared, bytes) = (Arc::new(event.clone()), event_bytes(&event.body));
        wanting.for_each(|observer| observer.send(&shared, bytes));
    }
}

/// Waits until the observers have seen what was sent to them, for a moment at most.
pub(crate) fn flush(observers: &[ObserverHandle], deadline: Instant) {
    let until = deadline.min(Instant::now() + PATIENCE);
    observers.iter().for_each(|observer| observer.wait_idle(until));
}

/// The same, and ends the threads once they come back.
pub(crate) fn close(observers: &[ObserverHandle], deadline: Instant) {
    flush(observers, deadline);
    observers.iter().for_each(ObserverHandle::close);
}

fn work(observer: &dyn Observer, queue: &Queue) {
    // An observer that is instrumented itself must not feed itself.
    local::with(|local| local.swap(&mut Place { muted: true, ..Place::default() }));
    let mut in_a_row = 0;
    while let Some(Waiting { event, missed, .. }) = take(queue) {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if missed > 0 {
                observer.missed(missed);
            }
            observer.event(&event);
        }));
        let mut state = queue.state();
        state.active = false;
        if outcome.is_ok() {
            state.seen += 1;
            in_a_row = 0;
        } else {
            state.panics += 1;
            in_a_row += 1;
            if in_a_row == PANICS && !state.closed {
                state.close();
                let name = &queue.name;
                say(&log_line(&format!(
                    "the observer {name} panicked {PANICS} times in a row and gets no more events"
                )));
            }
        }
        drop(state);
        queue.changed.notify_all();
    }
}

/// The next event; `None` when nothing more comes.
fn take(queue: &Queue) -> Option<Waiting> {
    let mut state = queue.state();
    loop {
        if let Some(next) = state.waiting.pop_front() {
            state.bytes -= next.bytes;
            state.active = true;
            return Some(next);
        }
        if state.closed {
            return None;
        }
        state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}
