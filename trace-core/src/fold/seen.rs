use std::collections::BTreeMap;

/// The event numbers folded in so far, as ranges: a stream without gaps is one range, however long.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// First number of a range → its last.
    ranges: BTreeMap<u64, u64>,
}

impl Seen {
    /// Adds a number; false if it was there.
    pub(super) fn first_time(&mut self, seq: u64) -> bool {
        let before = self.ranges.range(..=seq).next_back().map(|(&first, &last)| (first, last));
        if before.is_some_and(|(_, last)| last >= seq) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == seq => first,
            _ => seq,
        };
        let last = seq.checked_add(1).and_then(|next| self.ranges.remove(&next)).unwrap_or(seq);
        self.ranges.insert(first, last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_new_once_in_any_order_and_neighbours_join() {
        let mut seen = Seen::default();
        for seq in [5, 3, 1, 2, 4, u64::MAX] {
            assert!(seen.first_time(seq), "{seq}");
            assert!(!seen.first_time(seq), "{seq}");
        }
        assert_eq!(seen.ranges, BTreeMap::from([(1, 5), (u64::MAX, u64::MAX)]));
    }
}
