//! What a writer has done.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of a [`StatusWriter`](super::StatusWriter), since it began.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct WriterMetrics {
    /// Statuses that were written.
    pub written: u64,
    /// Writes that came too late, and were done again.
    pub conflicts: u64,
    /// Calls that were refused or came to nothing.
    pub failures: u64,
    /// Objects that are waiting to be looked at, or being written.
    pub pending: u64,
}

/// The same, while they are counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) written: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) pending: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> WriterMetrics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);

        WriterMetrics {
            written: read(&self.written),
            conflicts: read(&self.conflicts),
            failures: read(&self.failures),
            pending: read(&self.pending),
        }
    }
}
