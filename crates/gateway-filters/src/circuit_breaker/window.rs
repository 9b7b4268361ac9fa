//! What happened lately, counted by threads that do not wait for each other.

use super::settings::{Limits, Sums};
use super::sync::{AtomicU64, Ordering};

/// Calls, errors and slow calls in the last ten slots of time.
///
/// A slot is a number that grows with time. The counter of a slot has its number beside the
/// count, in one word: so a slot begins anew with its first call, with nothing to clear.
#[derive(Debug)]
pub(super) struct Window {
    slots: [Slot; SLOTS as usize],
}

#[derive(Debug)]
struct Slot {
    calls: Counter,
    errors: Counter,
    slow: Counter,
}

impl Window {
    pub(super) fn new() -> Self {
        let slot = |_| Slot {
            calls: Counter::new(),
            errors: Counter::new(),
            slow: Counter::new(),
        };
        Self {
            slots: std::array::from_fn(slot),
        }
    }

    /// Counts a call that ended in `slot`.
    pub(super) fn add(&self, limits: &Limits, slot: u64, error: bool, slow: bool) {
        let place = &self.slots[(slot % SLOTS) as usize];
        // Calls first: a ratio may be seen too low for a moment, never too high.
        if limits.counts_calls() {
            place.calls.add(slot);
        }
        if error {
            place.errors.add(slot);
        }
        if slow {
            place.slow.add(slot);
        }
    }

    /// What was counted in `last`, the slots before it, and any after it: other threads may have
    /// read the clock later.
    pub(super) fn sums(&self, last: u64) -> Sums {
        self.slots.iter().fold(Sums::default(), |sums, slot| Sums {
            calls: sums.calls + slot.calls.within(last),
            errors: sums.errors + slot.errors.within(last),
            slow: sums.slow + slot.slow.within(last),
        })
    }
}

/// Counts within one slot at a time, the latest it was told of.
#[derive(Debug)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one more in `slot`, unless a later one has begun.
    pub(super) fn add(&self, slot: u64) -> u64 {
        // All in one order: of two threads that add and then look, one sees both.
        let add = |word| match Self::slot(word).cmp(&slot) {
            std::cmp::Ordering::Less => Some(slot << COUNT_BITS | 1),
            std::cmp::Ordering::Equal if word & COUNT_MASK != COUNT_MASK => Some(word + 1),
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => None,
        };
        match self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add) {
            Ok(before) if Self::slot(before) == slot => (before & COUNT_MASK) + 1,
            Ok(_) => 1,
            Err(there) if Self::slot(there) == slot => COUNT_MASK,
            Err(_) => 0,
        }
    }

    /// Forgets what was counted in `slot`, unless a later one has begun.
    pub(super) fn clear(&self, slot: u64) {
        let clear = |word| {
            let counted = Self::slot(word) == slot && word & COUNT_MASK != 0;
            counted.then_some(slot << COUNT_BITS)
        };
        // Nothing to do is not a failure.
        let _ = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, clear);
    }

    /// The count, unless it belongs to a slot too far before `last`.
    fn within(&self, last: u64) -> u64 {
        let word = self.0.load(Ordering::SeqCst);
        if Self::slot(word) + SLOTS > last {
            word & COUNT_MASK
        } else {
            0
        }
    }

    const fn slot(word: u64) -> u64 {
        word >> COUNT_BITS
    }
}

/// A window has so many slots.
pub(super) const SLOTS: u64 = 10;

/// Counts stop at 16 million in a slot; slots of a millisecond last for 34 years.
const COUNT_BITS: u32 = 24;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
