//! What happened lately.

use super::settings::{Limits, Sums};
use crate::slots::SlotCounts;

/// Calls, errors and slow calls in the last ten slots of time.
#[derive(Debug)]
pub(super) struct Window {
    calls: SlotCounts,
    errors: SlotCounts,
    slow: SlotCounts,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            calls: SlotCounts::new(),
            errors: SlotCounts::new(),
            slow: SlotCounts::new(),
        }
    }

    /// Counts a call that ended in `slot`.
    pub(super) fn add(&self, limits: &Limits, slot: u64, error: bool, slow: bool) {
        // Calls first: a ratio may be seen too low for a moment, never too high.
        if limits.counts_calls() {
            self.calls.add(slot);
        }
        if error {
            self.errors.add(slot);
        }
        if slow {
            self.slow.add(slot);
        }
    }

    /// What was counted in `last` and the nine slots before it.
    pub(super) fn sums(&self, last: u64) -> Sums {
        Sums {
            calls: self.calls.sum(last),
            errors: self.errors.sum(last),
            slow: self.slow.sum(last),
        }
    }
}
