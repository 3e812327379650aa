//! What one round takes out of the rings.

use crate::record::{Record, RingReader};
use fastant::Instant as Tick;

/// Records, and the bytes that were captured for them.
#[derive(Default)]
pub(super) struct Batch {
    taken: Vec<Taken>,
    bytes: Vec<u8>,
}

struct Taken {
    record: Record,
    /// Where its bytes begin.
    from: usize,
}

impl Taken {
    fn captured<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.from..self.from + self.record.captured()).unwrap_or_default()
    }
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Adds a record that came without captured bytes.
    pub(super) fn add(&mut self, record: Record) {
        self.taken.push(Taken { record, from: 0 });
    }

    /// Adds the oldest records of a ring, `most` at most, and tells how many they were.
    pub(super) fn take(&mut self, ring: &mut RingReader, most: usize) -> usize {
        let taken = &mut self.taken;
        ring.take(most, &mut self.bytes, |record, from| taken.push(Taken { record, from }))
    }

    /// Brings the records into the order of time, and moves those that are younger than the cut to `later`.
    pub(super) fn sort_and_split(&mut self, cut: Tick, later: &mut Self) {
        // Nearly sorted already: each ring is.
        self.taken.sort_by_key(|taken| taken.record.at());
        let accepted = self.taken.partition_point(|taken| taken.record.at() <= cut);
        for mut taken in self.taken.drain(accepted..) {
            let from = later.bytes.len();
            later.bytes.extend_from_slice(taken.captured(&self.bytes));
            taken.from = from;
            later.taken.push(taken);
        }
    }

    /// Hands out all records, each with its bytes, and keeps the memory.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Record, &[u8])) {
        for taken in self.taken.drain(..) {
            let captured = taken.captured(&self.bytes);
            each(taken.record, captured);
        }
        self.bytes.clear();
    }
}
