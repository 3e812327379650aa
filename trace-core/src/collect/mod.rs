//! The collector: one thread that turns records into events, and events into streams and documents.
//!
//! Comes in: records from the rings of all threads, traces being opened. Goes out: lines in event streams, side
//! files, finished traces to the sinks. It is the only place that decides order, numbers events, redacts, and folds.

mod batch;
mod completion;
mod convert;
mod flags;
mod live;
mod open_trace;
mod pricing;
mod recover;
mod side_file;
mod sinks;
mod stream_file;
mod worker;

pub(crate) use completion::Completion;
pub use flags::{FlagError, LateFlags, flag_later};
pub use live::is_stream_in_use;
pub(crate) use pricing::price_alone;
pub use recover::{RecoverError, Recovered, left_open, read_events, recover, traces_of_events, traces_of_stream};
pub(crate) use sinks::SinkHandle;
pub use stream_file::stream_file_name;

use crate::context::shared::Shared;
use crate::event::{Body, TraceEnd, TraceStart};
use crate::model::{CalibrationFlag, Timestamp, Trace};
use crate::observe;
use crate::record::{Record, Recorded, RingReader};
use crate::tracer::Tracer;
use fastant::Instant as Tick;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Records kept in reserve for what must not be lost, when rings are full.
const RESERVE: usize = 1 << 16;

/// What reaches the collector beside the rings.
#[derive(Default)]
struct Inbox {
    rings: Vec<RingReader>,
    opened: Vec<Opening>,
    reserved: Vec<Recorded>,
    requests: Vec<Request>,
    started: bool,
}

/// A trace that begins.
struct Opening {
    shared: Arc<Shared>,
    wall: Timestamp,
    start: Box<TraceStart>,
}

/// Something to be done once everything recorded before it is folded.
struct Request {
    at: Tick,
    what: Wish,
}

enum Wish {
    /// Say when you are there.
    Flush(SyncSender<()>),
    /// End what is open of this tracer, and say when you are there.
    Close(Tracer, SyncSender<()>),
    /// The sinks of this tracer are done: forget its traces, and say when you are there.
    Release(Tracer, SyncSender<()>),
    /// Resolve this at the latest then.
    Deadline(Arc<Completion>, Instant),
    /// Flags were raised for a trace.
    Flags(Flagged),
    /// Flags were raised for traces that ended long ago; say which of them are not known any more.
    LateFlags(Vec<LateFlags>, SyncSender<Vec<LateFlags>>),
}

/// Flags that a sink raised, and the document that it had.
struct Flagged {
    key: u64,
    flags: Vec<CalibrationFlag>,
    document: Arc<Trace>,
    completion: Arc<Completion>,
}

static INBOX: Mutex<Option<Inbox>> = Mutex::new(None);
static THREAD: OnceLock<Thread> = OnceLock::new();
static ASLEEP: AtomicBool = AtomicBool::new(false);
static ALIVE: AtomicBool = AtomicBool::new(false);
/// Records that were taken out of rings and not turned into events yet.
static BACKLOG: AtomicUsize = AtomicUsize::new(0);
static PAYLOAD_LIMIT: AtomicUsize = AtomicUsize::new(64 << 20);

fn inbox<R>(f: impl FnOnce(&mut Inbox) -> R) -> R {
    let mut guard: MutexGuard<'_, Option<Inbox>> = INBOX.lock().unwrap_or_else(PoisonError::into_inner);
    f(guard.get_or_insert_default())
}

/// Starts the collector's thread, once.
pub(crate) fn start(payload_limit: usize) -> io::Result<()> {
    PAYLOAD_LIMIT.store(payload_limit.max(1), Ordering::Relaxed);
    inbox(|inbox| {
        if inbox.started {
            return Ok(());
        }
        let handle = std::thread::Builder::new().name("whytrace-collector".to_owned()).spawn(worker::run)?;
        inbox.started = true;
        ALIVE.store(true, Ordering::Release);
        let _ = THREAD.set(handle.thread().clone());
        Ok(())
    })
}

/// Wakes the collector if it sleeps.
#[inline]
pub(crate) fn nudge() {
    if ASLEEP.load(Ordering::Relaxed) {
        wake();
    }
}

fn wake() {
    ASLEEP.store(false, Ordering::Relaxed);
    if let Some(thread) = THREAD.get() {
        thread.unpark();
    }
}

/// Whether there is a collector that will make room.
pub(crate) fn is_alive() -> bool {
    ALIVE.load(Ordering::Acquire)
}

/// Bytes of large payloads that may wait for the collector.
pub(crate) fn payload_limit() -> usize {
    PAYLOAD_LIMIT.load(Ordering::Relaxed)
}

/// Takes over the reading end of a thread's rings.
pub(crate) fn add_ring(reader: RingReader) {
    inbox(|inbox| inbox.rings.push(reader));
}

/// Keeps a record in the reserve; false when even that is full.
pub(crate) fn push_reserved(record: Recorded) -> bool {
    let kept = inbox(|inbox| {
        let room = inbox.reserved.len() < RESERVE;
        if room {
            inbox.reserved.push(record);
        }
        room
    });
    wake();
    kept
}

/// A trace begins.
pub(crate) fn open(shared: &Arc<Shared>, wall: Timestamp, start: TraceStart) {
    let opening = Opening { shared: Arc::clone(shared), wall, start: Box::new(start) };
    inbox(|inbox| inbox.opened.push(opening));
    wake();
}

/// A trace is over. Its end always finds room.
pub(crate) fn end(shared: &Shared, end: TraceEnd) {
    let end = Record::fact(shared.key, shared.root_span, 0, Body::TraceEnd(end));
    inbox(|inbox| inbox.reserved.push(end));
    wake();
}

/// Resolves a completion with what is known after `within`.
pub(super) fn resolve_within(completion: Arc<Completion>, within: Duration) {
    request(Wish::Deadline(completion, Instant::now() + within));
}

/// Hands the flags that a sink raised to the collector.
fn raise_flags(flagged: Flagged) {
    request(Wish::Flags(flagged));
}

/// The collector looks after the flags of traces that it still knows; gives back those of the others.
fn raise_late_flags(flags: Vec<LateFlags>) -> Vec<LateFlags> {
    if !is_alive() {
        return flags;
    }
    let (sender, receiver) = sync_channel(1);
    request(Wish::LateFlags(flags, sender));
    // The collector's thread never ends.
    receiver.recv().unwrap_or_default()
}

fn request(what: Wish) {
    inbox(|inbox| inbox.requests.push(Request { at: Tick::now(), what }));
    wake();
}

/// See [`Tracer::flush`].
pub(crate) fn flush(tracer: &Tracer, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    let (sender, receiver) = sync_channel(1);
    request(Wish::Flush(sender));
    let stored = receiver.recv_timeout(timeout).is_ok()
        && flags_are_handed_on(tracer, deadline)
        && sinks::flush(&tracer.inner().sinks, deadline);
    observe::flush(&tracer.inner().observers, deadline);
    stored
}

/// Waits until the sinks are idle, and the collector has given them what follows from the flags that they raised.
fn flags_are_handed_on(tracer: &Tracer, deadline: Instant) -> bool {
    let (sender, receiver) = sync_channel(1);
    let idle = sinks::wait_idle(&tracer.inner().sinks, deadline);
    request(Wish::Flush(sender));
    receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() && idle
}

/// See [`Tracer::close`].
pub(crate) fn close(tracer: &Tracer, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    let (sender, receiver) = sync_channel(2);
    request(Wish::Close(tracer.clone(), sender.clone()));
    let collected = receiver.recv_timeout(timeout).is_ok();
    if !collected {
        let behind = BACKLOG.load(Ordering::Relaxed);
        tracer.failed(&format!(
            "the collector did not get through what was recorded within {} s: {behind} records or more are in no stream and no document",
            timeout.as_secs_f64(),
        ));
    }
    let handed_on = flags_are_handed_on(tracer, deadline);
    let stored = sinks::close(&tracer.inner().sinks, deadline) && handed_on;
    observe::close(&tracer.inner().observers, deadline);
    request(Wish::Release(tracer.clone(), sender));
    // Only forgetting is left: a moment is enough even when the time is over.
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(200));
    collected && receiver.recv_timeout(left).is_ok() && stored
}
