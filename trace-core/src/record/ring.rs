//! A bounded queue from one thread to the collector.
//!
//! Comes in: records, and tapes with what was captured for them. Goes out, on the collector's thread: the same, in the same order. Steady
//! recording allocates nothing: records and captured bytes are copied into rings that were made once, and a tape's memory is used again.

use super::tape::Tape;
use super::{Load, Record, Recorded};
use crate::collect;
use crate::context::shared::Shared;
use rtrb::{Consumer, Producer, RingBuffer};
use std::ops::Range;
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

/// The caller's end of its rings: one of records, and beside it, in the same order, what was captured for them and what they bring along.
pub(crate) struct Ring {
    records: Producer<Record>,
    captured: Producer<u8>,
    loads: Producer<Load>,
    /// Records pushed since the collector was last nudged.
    since: u32,
    nudge_every: u32,
}

/// The collector's end of a thread's rings.
pub(crate) struct RingReader {
    records: Consumer<Record>,
    captured: Consumer<u8>,
    loads: Consumer<Load>,
}

/// A record out of a ring.
pub(crate) struct Taken {
    pub(crate) recorded: Recorded,
    /// Where what was captured for it lies in the bytes that were taken with it.
    pub(crate) captured: Range<usize>,
}

impl Ring {
    /// New rings for this thread, known to the collector.
    pub(crate) fn register(records: usize) -> Self {
        let records = records.clamp(16, MOST_RECORDS);
        let (records_in, records_out) = RingBuffer::new(records);
        let (captured_in, captured_out) = RingBuffer::new(records * BYTES_PER_RECORD);
        let (loads_in, loads_out) = RingBuffer::new(records);
        collect::add_ring(RingReader { records: records_out, captured: captured_out, loads: loads_out });
        let nudge_every = u32::try_from(records / 4).unwrap_or(u32::MAX).max(1);
        Self { records: records_in, captured: captured_in, loads: loads_in, since: 0, nudge_every }
    }

    /// Appends a record that brings nothing along, and what was captured for it; false when there is no room, or much was captured.
    #[inline(always)]
    pub(crate) fn push_plain(&mut self, make: impl FnOnce() -> Record, captured: &Tape) -> bool {
        if captured.is_empty() {
            return self.append(make());
        }
        // What was captured goes first, so there must be room for the record.
        if captured.len() >= COUNTED_FROM
            || self.records.is_full()
            || self.captured.push_entire_slice(captured.as_bytes()).is_err()
        {
            return false;
        }
        // Far below 4 GiB.
        #[allow(clippy::cast_possible_truncation)]
        let record = Record { captured: captured.len() as u32, ..make() };
        self.append(record)
    }

    /// Appends a record; false when there is no room.
    #[inline(always)]
    fn append(&mut self, record: Record) -> bool {
        let pushed = self.records.push(record).is_ok();
        if pushed {
            self.since += 1;
            if self.since >= self.nudge_every {
                self.since = 0;
                collect::nudge();
            }
        }
        pushed
    }

    /// Appends a record, what it brings along, and what was captured for it; or gives all back when there is no room.
    pub(crate) fn push(&mut self, mut recorded: Recorded, mut captured: Tape) -> Result<(), (Recorded, Tape)> {
        if captured.len() >= COUNTED_FROM {
            recorded.carry(std::mem::take(&mut captured));
        }
        let size = recorded.load.as_ref().map_or(0, Load::size);
        if self.records.is_full() || (size >= COUNTED_FROM && !reserve_payload(size)) {
            return Err((recorded, captured));
        }
        if !captured.is_empty() {
            self.push_captured(&mut recorded, captured);
        }
        let Recorded { mut record, load } = recorded;
        if let Some(load) = load {
            record.has_load = true;
            // The collector makes room for loads before it makes room for their records.
            let _ = self.loads.push(load);
        }
        self.append(record);
        Ok(())
    }

    /// Puts what was captured for the next record into the ring of bytes, or onto the heap when that is full.
    fn push_captured(&mut self, recorded: &mut Recorded, captured: Tape) {
        match (u32::try_from(captured.len()), self.captured.push_entire_slice(captured.as_bytes())) {
            (Ok(len), Ok(())) => {
                recorded.record.captured = len;
                captured.recycle();
            }
            _ => recorded.carry(captured),
        }
    }

    /// Appends a record for which there was no room: waits as long as its trace allows, then keeps it in the reserve if it
    /// is one for which room is reserved, else drops and counts it.
    pub(crate) fn push_slowly(&mut self, mut recorded: Recorded, mut captured: Tape, trace: Option<&Shared>) {
        let began = Instant::now();
        let patience = trace.map_or(Some(Duration::ZERO), Shared::patience);
        loop {
            collect::nudge();
            let waited = began.elapsed();
            if patience.is_some_and(|patience| waited >= patience) || !collect::is_alive() {
                break;
            }
            std::thread::sleep(NAP);
            match self.push(recorded, captured) {
                Ok(()) => {
                    if let Some(trace) = trace {
                        trace.add_wait(began.elapsed());
                    }
                    return;
                }
                Err(back) => (recorded, captured) = back,
            }
        }
        if let Some(trace) = trace {
            trace.add_wait(began.elapsed());
        }
        let is_reserved = recorded.is_reserved();
        if is_reserved && !captured.is_empty() {
            recorded.carry(captured);
        }
        let kept = is_reserved && collect::push_reserved(recorded);
        if let (false, Some(trace)) = (kept, trace) {
            trace.count_drop();
        }
    }
}

impl RingReader {
    /// Takes the oldest records, `most` at most, and tells how many they were. What was captured for them is added to `bytes`.
    pub(crate) fn take(&mut self, most: usize, bytes: &mut Vec<u8>, mut each: impl FnMut(Taken)) -> usize {
        let count = self.records.slots().min(most);
        let Ok(records) = self.records.read_chunk(count) else { return 0 };
        let begin = bytes.len();
        let mut from = begin;
        let (first, second) = records.as_slices();
        for record in first.iter().chain(second) {
            let captured = from..from + record.captured as usize;
            from = captured.end;
            let load = if record.has_load { self.loads.pop().ok() } else { None };
            each(Taken { recorded: Recorded { record: *record, load }, captured });
        }
        // What was captured for a record is in the ring before the record is.
        if let Ok(chunk) = self.captured.read_chunk(from - begin) {
            let (first, second) = chunk.as_slices();
            bytes.extend_from_slice(first);
            bytes.extend_from_slice(second);
            chunk.commit_all();
        }
        records.commit_all();
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

/// Gives back the room that a load had taken.
pub(crate) fn release_payload(load: &Load) {
    let size = load.size();
    if size >= COUNTED_FROM {
        LARGE_BYTES.fetch_sub(size, Ordering::Relaxed);
    }
}
