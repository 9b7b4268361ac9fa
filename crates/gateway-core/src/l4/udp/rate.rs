//! How many may come in a second.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

/// A bucket that all workers fill and none locks: it holds the moment at which it
/// would be empty (the generic cell rate algorithm).
#[derive(Debug)]
pub(super) struct Rate {
    start: Instant,
    /// In nanoseconds since the start.
    empty_at: AtomicU64,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            empty_at: AtomicU64::new(0),
        }
    }

    /// Whether one more may come, if `per_second` may in any second. As many may come
    /// at once.
    pub(super) fn allows(&self, per_second: u32) -> bool {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let Some(cost) = SECOND.checked_div(u64::from(per_second)) else {
            return false;
        };

        self.empty_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
                let next = empty_at.max(now) + cost;
                (next <= now + SECOND).then_some(next)
            })
            .is_ok()
    }
}

const SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_come_in_a_second_and_no_more() {
        let rate = Rate::new();
        assert_eq!((0..100).filter(|_| rate.allows(10)).count(), 10);

        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!((0..100).filter(|_| rate.allows(10)).count(), 5);

        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!((0..100).filter(|_| rate.allows(10)).count(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn rate_of_none_lets_none_in() {
        assert!(!Rate::new().allows(0));
    }
}
