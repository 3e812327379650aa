//! A bounded queue from one thread to the collector.

use super::Record;
use crate::collect;
use crate::context::shared::Shared;
use rtrb::{Producer, PushError, RingBuffer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Payloads below this are not counted: a ring full of them is bounded anyway, and counting costs a shared counter.
const COUNTED_FROM: usize = 4096;

/// A ring takes its memory at once: 64 MiB for a thread are the most.
const MOST_RECORDS: usize = 1 << 20;

/// How long a caller sleeps between two looks for room.
const NAP: Duration = Duration::from_micros(50);

/// Bytes of large payloads between callers and collector.
static LARGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The caller's end of its ring.
pub(crate) struct Ring {
    producer: Producer<Record>,
    /// Records pushed since the collector was last nudged.
    since: u32,
    nudge_every: u32,
}

impl Ring {
    /// A new ring for this thread, known to the collector.
    pub(crate) fn register(records: usize) -> Self {
        let (producer, consumer) = RingBuffer::new(records.clamp(16, MOST_RECORDS));
        collect::add_ring(consumer);
        Self {
            producer,
            since: 0,
            nudge_every: u32::try_from(records.min(MOST_RECORDS) / 4).unwrap_or(u32::MAX).max(1),
        }
    }

    /// Appends a record, or gives it back when there is no room.
    #[inline]
    pub(crate) fn push(&mut self, record: Record) -> Result<(), Record> {
        let payload = record.payload();
        if payload >= COUNTED_FROM && !reserve_payload(payload) {
            return Err(record);
        }
        match self.producer.push(record) {
            Ok(()) => {
                self.since += 1;
                if self.since >= self.nudge_every {
                    self.since = 0;
                    collect::nudge();
                }
                Ok(())
            }
            Err(PushError::Full(record)) => {
                release_payload(&record);
                Err(record)
            }
        }
    }

    /// Appends a record for which there was no room: waits as long as its trace allows, then keeps it in the reserve if it
    /// is one for which room is reserved, else drops and counts it.
    pub(crate) fn push_slowly(&mut self, mut record: Record, trace: Option<&Shared>) {
        let began = Instant::now();
        let patience = trace.map_or(Some(Duration::ZERO), Shared::patience);
        loop {
            collect::nudge();
            let waited = began.elapsed();
            if patience.is_some_and(|patience| waited >= patience) || !collect::is_alive() {
                break;
            }
            std::thread::sleep(NAP);
            match self.push(record) {
                Ok(()) => {
                    if let Some(trace) = trace {
                        trace.add_wait(began.elapsed());
                    }
                    return;
                }
                Err(back) => record = back,
            }
        }
        if let Some(trace) = trace {
            trace.add_wait(began.elapsed());
        }
        let kept = record.is_reserved() && collect::push_reserved(record);
        if let (false, Some(trace)) = (kept, trace) {
            trace.count_drop();
        }
    }
}

/// Takes room for a large payload; one larger than all the room is let in when nothing else is there.
fn reserve_payload(bytes: usize) -> bool {
    let limit = collect::payload_limit();
    LARGE_BYTES
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
            let fits = held == 0 || held.saturating_add(bytes) <= limit;
            fits.then(|| held.saturating_add(bytes))
        })
        .is_ok()
}

/// Gives back the room of a record's payload.
pub(crate) fn release_payload(record: &Record) {
    let payload = record.payload();
    if payload >= COUNTED_FROM {
        LARGE_BYTES.fetch_sub(payload, Ordering::Relaxed);
    }
}
