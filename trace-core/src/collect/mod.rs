//! The collector: one thread that turns records into events, and events into streams and documents.
//!
//! Comes in: records from the rings of all threads, traces being opened. Goes out: lines in event streams, side
//! files, finished traces to the sinks. It is the only place that decides order, numbers events, redacts, and folds.

mod completion;
mod convert;
mod live;
mod open_trace;
mod pricing;
mod recover;
mod side_file;
mod sinks;
mod stream_file;
mod worker;

pub(crate) use completion::Completion;
pub(crate) use pricing::price_alone;
pub use recover::{RecoverError, Recovered, recover, traces_of_stream};
pub(crate) use sinks::SinkHandle;
pub use stream_file::stream_file_name;

use crate::context::shared::Shared;
use crate::event::{Body, TraceEnd, TraceStart};
use crate::model::Timestamp;
use crate::record::Record;
use crate::tracer::Tracer;
use fastant::Instant as Tick;
use rtrb::Consumer;
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
    rings: Vec<Consumer<Record>>,
    opened: Vec<Opening>,
    reserved: Vec<Record>,
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

/// Takes over the reading end of a thread's ring.
pub(crate) fn add_ring(consumer: Consumer<Record>) {
    inbox(|inbox| inbox.rings.push(consumer));
}

/// Keeps a record in the reserve; false when even that is full.
pub(crate) fn push_reserved(record: Record) -> bool {
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
    let body = Box::new(Body::TraceEnd(end));
    let record = Record::Fact { trace: shared.key, at: Tick::now(), span: shared.root_span, stage: 0, body };
    inbox(|inbox| inbox.reserved.push(record));
    wake();
}

/// Resolves a completion with what is known after `within`.
pub(super) fn resolve_within(completion: Arc<Completion>, within: Duration) {
    request(Wish::Deadline(completion, Instant::now() + within));
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
    receiver.recv_timeout(timeout).is_ok() && sinks::flush(&tracer.inner().sinks, deadline)
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
    let stored = sinks::close(&tracer.inner().sinks, deadline);
    request(Wish::Release(tracer.clone(), sender));
    // Only forgetting is left: a moment is enough even when the time is over.
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(200));
    collected && receiver.recv_timeout(left).is_ok() && stored
}
