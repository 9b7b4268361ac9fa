//! What became of connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the connections of a [`Pool`](super::Pool) since it was made.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// Connections that were opened.
    pub opened: u64,
    /// How often a request was given a connection that was open already. Should it turn
    /// out to have been closed meanwhile, the request is given another.
    pub reused: u64,
    /// Connections that could not be opened: nobody listens, it took too long, or TLS
    /// or HTTP/2 did not begin.
    pub failed: u64,
    /// Requests that no connection became free for, because their number is limited.
    pub overloaded: u64,
}

/// What the requests of one thread have counted.
///
/// On a cache line of its own, so that counting is not a write that threads share.
/// A future that moves between threads goes on counting where it began; so these are
/// added to and not overwritten.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Counters {
    opened: AtomicU64,
    reused: AtomicU64,
    failed: AtomicU64,
    overloaded: AtomicU64,
}

impl Counters {
    /// A connection was opened, or not.
    pub(super) fn dialled<T, E>(&self, outcome: &Result<T, E>) {
        let counter = match outcome {
            Ok(_) => &self.opened,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reused(&self) {
        self.reused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn overloaded(&self) {
        self.overloaded.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_to(&self, counts: &mut PoolCounts) {
        counts.opened += self.opened.load(Ordering::Relaxed);
        counts.reused += self.reused.load(Ordering::Relaxed);
        counts.failed += self.failed.load(Ordering::Relaxed);
        counts.overloaded += self.overloaded.load(Ordering::Relaxed);
    }
}
