//! A number that one thread writes and all may read.

use std::sync::atomic::{AtomicU64, Ordering};

/// How often something has happened.
///
/// Only the thread that owns it adds to it: it is read and then written, so that
/// of two additions at the same time one would be lost. Nobody waits for anybody.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn increment(&self) {
        self.add(1);
    }

    pub(super) fn add(&self, more: u64) {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before.wrapping_add(more), Ordering::Relaxed);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many of those that began have not ended. Read while they are counted, there
/// may seem to be more ends than beginnings for a moment.
pub(super) fn open(begun: u64, ended: u64) -> u64 {
    begun.saturating_sub(ended)
}
