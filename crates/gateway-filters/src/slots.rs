//! How often something happened lately, counted by threads that do not wait for each other.

use crate::sync::{AtomicU64, Ordering, fence};

/// A count over the last ten slots of time.
///
/// A slot is a number that grows with time. The counter of a slot has its number beside the
/// count, in one word: so a slot begins anew with its first count, with nothing to clear.
#[derive(Debug)]
pub(crate) struct SlotCounts([SlotCount; SLOTS as usize]);

impl SlotCounts {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| SlotCount::new()))
    }

    /// Counts one more in `slot`.
    pub(crate) fn add(&self, slot: u64) {
        self.0[(slot % SLOTS) as usize].add(slot);
    }

    /// Takes back one count in `slot`.
    pub(crate) fn take_back(&self, slot: u64) {
        self.0[(slot % SLOTS) as usize].take_back(slot);
    }

    /// What was counted in `last`, the slots before it, and any after it: other threads may have
    /// read the clock later.
    pub(crate) fn sum(&self, last: u64) -> u64 {
        // Of two threads that count and then look, one sees both counts.
        fence(Ordering::SeqCst);
        self.0.iter().map(|count| count.within(last)).sum()
    }
}

/// Counts within one slot at a time, the latest it was told of.
#[derive(Debug)]
pub(crate) struct SlotCount(AtomicU64);

impl SlotCount {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one more in `slot`, unless a later one has begun; and the count.
    pub(crate) fn add(&self, slot: u64) -> u64 {
        let mut count = 0;
        let mut add = |word| {
            count = match slot_of(word).cmp(&slot) {
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => (count_of(word) + 1).min(COUNT_MASK),
                std::cmp::Ordering::Greater => 0,
            };
            (count > 0).then_some(slot << COUNT_BITS | count)
        };
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, &mut add);
        count
    }

    fn take_back(&self, slot: u64) {
        let counted = |word| slot_of(word) == slot && count_of(word) > 0;
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                counted(word).then(|| word - 1)
            });
    }

    /// Forgets what was counted in `slot`, unless a later one has begun.
    pub(crate) fn clear(&self, slot: u64) {
        let counted = |word| slot_of(word) == slot && count_of(word) > 0;
        let _ = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                counted(word).then_some(slot << COUNT_BITS)
            });
    }

    /// The count, unless it belongs to a slot too far before `last`.
    fn within(&self, last: u64) -> u64 {
        let word = self.0.load(Ordering::Relaxed);
        if slot_of(word) + SLOTS > last {
            count_of(word)
        } else {
            0
        }
    }
}

const fn slot_of(word: u64) -> u64 {
    word >> COUNT_BITS
}

const fn count_of(word: u64) -> u64 {
    word & COUNT_MASK
}

/// So many slots are remembered.
pub(crate) const SLOTS: u64 = 10;

/// Counts stop at 16 million in a slot; slots of a millisecond last for 34 years.
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counting_stops_before_it_overflows() {
        let count = SlotCount::new();
        count
            .0
            .store(7 << COUNT_BITS | (COUNT_MASK - 1), Ordering::SeqCst);

        let counts = [(); 3].map(|()| count.add(7));

        assert_eq!(counts, [COUNT_MASK; 3]);
        assert_eq!(count.add(8), 1);
    }

    proptest! {
        /// The sum is that of the last ten slots, of what was not taken back.
        #[test]
        fn sum_is_that_of_the_last_slots(steps in vec((0..4_u64, 0..5_usize, any::<bool>()), 0..60)) {
            let counts = SlotCounts::new();
            let mut slot = 0;
            let mut there: Vec<u64> = Vec::new();

            for (gap, times, take_back) in steps {
                slot += gap;
                for _ in 0..times {
                    counts.add(slot);
                    there.push(slot);
                }
                if take_back {
                    counts.take_back(slot);
                    if let Some(index) = there.iter().position(|other| *other == slot) {
                        there.remove(index);
                    }
                }
                let expected = there.iter().filter(|then| slot - **then < SLOTS).count();

                prop_assert_eq!(counts.sum(slot), expected as u64);
            }
        }
    }
}
