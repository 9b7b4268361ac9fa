//! When it is too late.

use std::time::Duration;

use tokio::time::Instant;

/// A moment, and the limit that led to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) limit: Duration,
}

impl Deadline {
    /// `limit` from now; none if the clock cannot count that far.
    pub(super) fn start(limit: Duration) -> Option<Self> {
        let at = Instant::now().checked_add(limit)?;
        Some(Self { at, limit })
    }

    pub(super) fn has_passed(&self) -> bool {
        Instant::now() >= self.at
    }
}
