//! A bounded queue from one thread to the collector.
//!
//! Comes in: records, and tapes with what was captured for them. Goes out, on the collector's thread: the same, in the same order. Steady
//! recording allocates nothing: records and captured bytes are copied into rings that were made once, and a tape's memory is used again.

use super::Record;
use super::tape::Tape;
use crate::collect;
use crate::context::shared::Shared;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Payloads below this are not counted: a ring full of them is bounded anyway, and counting costs a shared counter. What was captured goes
/// through the ring of bytes below this; from here on it goes along on the heap, where it lies already, without a copy.
const COUNTED_FROM: usize = 4096;

/// Room in the ring of bytes. A decision with its reasons takes some 200 bytes, most records none.
const BYTES_PER_RECORD: usize = 64;

/// A ring takes its memory at once: 64 MiB for a thread are the most.
const MOST_RECORDS: usize = 1 << 20;

/// How long a caller sleeps between two looks for room.
const NAP: Duration = Duration::from_micros(50);

/// Bytes of large payloads between callers and collector.
static LARGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The caller's end of its rings: one of records, and one of the bytes that were captured for them, in the same order.
pub(crate) struct Ring {
    records: Producer<Record>,
    bytes: Producer<u8>,
    /// Records pushed since the collector was last nudged.
    since: u32,
    nudge_every: u32,
}

/// The collector's end of a thread's rings.
pub(crate) struct RingReader {
    records: Consumer<Record>,
    bytes: Consumer<u8>,
}

impl Ring {
    /// New rings for this thread, known to the collector.
    pub(crate) fn register(records: usize) -> Self {
        let records = records.clamp(16, MOST_RECORDS);
        let (ring, reader) = Self::new(records);
        collect::add_ring(reader);
        ring
    }

    fn new(records: usize) -> (Self, RingReader) {
        let (producer, consumer) = RingBuffer::new(records);
        let (bytes, bytes_out) = RingBuffer::new(records * BYTES_PER_RECORD);
        let nudge_every = u32::try_from(records / 4).unwrap_or(u32::MAX).max(1);
        (Self { records: producer, bytes, since: 0, nudge_every }, RingReader { records: consumer, bytes: bytes_out })
    }

    /// Whether a record finds room.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        !self.records.is_full()
    }

    /// Appends a record for which there is room, and what was captured for it.
    #[inline]
    pub(crate) fn put(&mut self, record: Record) {
        // Nobody else fills the ring, so it has the room that was seen.
        let _ = self.records.push(record);
        self.since += 1;
        if self.since >= self.nudge_every {
            self.since = 0;
            collect::nudge();
        }
    }

    /// Appends a record that has more to it than fits a cache line, and what was captured for it; or gives both back when there is no room.
    #[inline(never)]
    pub(crate) fn push_with(&mut self, mut record: Record, mut captured: Tape) -> Result<(), (Record, Tape)> {
        if captured.len() >= COUNTED_FROM {
            record.carry(std::mem::take(&mut captured));
        }
        let payload = record.payload();
        if !self.has_room() || (payload >= COUNTED_FROM && !reserve_payload(payload)) {
            return Err((record, captured));
        }
        if !captured.is_empty() {
            self.put_captured(&mut record, captured);
        }
        self.put(record);
        Ok(())
    }

    /// Puts what was captured for the next record into the ring of bytes, or onto the heap when that is full.
    fn put_captured(&mut self, record: &mut Record, captured: Tape) {
        match (u32::try_from(captured.len()), self.bytes.push_entire_slice(captured.as_bytes())) {
            (Ok(len), Ok(())) => {
                record.set_captured(len);
                captured.recycle();
            }
            _ => record.carry(captured),
        }
    }

    /// Appends a record for which there was no room: waits as long as its trace allows, then keeps it in the reserve if it
    /// is one for which room is reserved, else drops and counts it.
    pub(crate) fn push_slowly(&mut self, mut record: Record, mut captured: Tape, trace: Option<&Shared>) {
        let began = Instant::now();
        let patience = trace.map_or(Some(Duration::ZERO), Shared::patience);
        loop {
            collect::nudge();
            let waited = began.elapsed();
            if patience.is_some_and(|patience| waited >= patience) || !collect::is_alive() {
                break;
            }
            std::thread::sleep(NAP);
            match self.push_with(record, captured) {
                Ok(()) => {
                    if let Some(trace) = trace {
                        trace.add_wait(began.elapsed());
                    }
                    return;
                }
                Err(back) => (record, captured) = back,
            }
        }
        if let Some(trace) = trace {
            trace.add_wait(began.elapsed());
        }
        let is_reserved = record.is_reserved();
        if is_reserved && !captured.is_empty() {
            record.carry(captured);
        }
        let kept = is_reserved && collect::push_reserved(record);
        if let (false, Some(trace)) = (kept, trace) {
            trace.count_drop();
        }
    }
}

impl RingReader {
    /// Takes the oldest records, `most` at most, each with the bytes that were captured for it, and tells how many they were. The bytes are
    /// added to `bytes`; `each` gets a record and where its bytes begin there.
    pub(crate) fn take(&mut self, most: usize, bytes: &mut Vec<u8>, mut each: impl FnMut(Record, usize)) -> usize {
        let count = self.records.slots().min(most);
        let mut from = bytes.len();
        let begin = from;
        if let Ok(chunk) = self.records.read_chunk(count) {
            for record in chunk {
                let captured = record.captured();
                each(record, from);
                from += captured;
            }
        }
        // What was captured for a record is in the ring before the record is.
        if let Ok(chunk) = self.bytes.read_chunk(from - begin) {
            let (first, second) = chunk.as_slices();
            bytes.extend_from_slice(first);
            bytes.extend_from_slice(second);
            chunk.commit_all();
        }
        count
    }

    /// Whether the thread is gone and all that it recorded was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.records.is_abandoned() && self.records.is_empty()
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
