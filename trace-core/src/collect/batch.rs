//! What one round takes out of the rings.

use crate::record::{Recorded, RingReader, Taken};
use fastant::Instant as Tick;
use std::ops::Range;

/// Records, and the bytes that were captured for them.
#[derive(Default)]
pub(super) struct Batch {
    taken: Vec<Taken>,
    bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Adds a record that came beside the rings.
    pub(super) fn add(&mut self, recorded: Recorded) {
        self.taken.push(Taken { recorded, captured: 0..0 });
    }

    /// Adds the oldest records of a ring, `most` at most, and tells how many they were.
    pub(super) fn take(&mut self, ring: &mut RingReader, most: usize) -> usize {
        let taken = &mut self.taken;
        ring.take(most, &mut self.bytes, |record| taken.push(record))
    }

    /// Brings the records into the order of time, and moves those that are younger than the cut to `later`.
    pub(super) fn sort_and_split(&mut self, cut: Tick, later: &mut Self) {
        let at = |taken: &Taken| taken.recorded.record.at;
        // Nearly sorted already: each ring is.
        self.taken.sort_by_key(at);
        let accepted = self.taken.partition_point(|taken| at(taken) <= cut);
        for mut taken in self.taken.drain(accepted..) {
            let from = later.bytes.len();
            later.bytes.extend_from_slice(bytes_of(&self.bytes, &taken.captured));
            taken.captured = from..later.bytes.len();
            later.taken.push(taken);
        }
    }

    /// Hands out all records, each with its bytes, and keeps the memory.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Recorded, &[u8])) {
        for taken in self.taken.drain(..) {
            each(taken.recorded, bytes_of(&self.bytes, &taken.captured));
        }
        self.bytes.clear();
    }
}

fn bytes_of<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}
