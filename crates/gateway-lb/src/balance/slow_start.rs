//! Fewer requests for endpoints that have just come.

use std::time::{Duration, Instant};

use crate::endpoint::EndpointSet;
use crate::percent::Percent;

/// Gives an endpoint that has just joined, or is healthy again, a share that grows to its own in
/// proportion to time.
///
/// A backend whose endpoints are all new has nobody to relieve them, so they start at once. It
/// has no effect on algorithms that hash, where it would move a key twice.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct SlowStart {
    window: Duration,
    least: Percent,
}

impl SlowStart {
    /// Grows for as long as `window`.
    #[must_use]
    pub const fn new(window: Duration) -> Self {
        Self {
            window,
            least: Percent::new(10),
        }
    }

    /// The part of its share to begin with. 10 percent by default; 1 at least.
    #[must_use]
    pub fn with_least(mut self, least: Percent) -> Self {
        self.least = least.max(Percent::new(1));
        self
    }

    /// For how long the share grows.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The part of its share that an endpoint gets at `age`, from 0 to 1.
    #[must_use]
    pub fn share(&self, age: Duration) -> f64 {
        if age >= self.window {
            return 1.0;
        }
        let grown = age.as_secs_f64() / self.window.as_secs_f64();
        grown.max(self.least.fraction())
    }
}

/// Which endpoints are starting, and since when.
#[derive(Clone, Debug)]
pub(super) struct Starting {
    /// For each endpoint that can be picked.
    since: Box<[Option<Instant>]>,
    /// When the last of them has its whole share.
    until: Instant,
}

impl Starting {
    /// After a change from `before` at `now`. `None` if nobody is starting.
    pub(super) fn after_change(
        settings: &SlowStart,
        (before, starting): (&EndpointSet, Option<&Self>),
        after: &EndpointSet,
        now: Instant,
    ) -> Option<Self> {
        let since = |index: usize| match starting {
            Some(starting) => starting.since.get(index).copied().flatten(),
            None => None,
        };
        let fresh = |since: Instant| now.saturating_duration_since(since) < settings.window;
        let since: Box<[_]> = after
            .iter()
            .map(|endpoint| match before.position(endpoint.address()) {
                Some(index) => since(index).filter(|since| fresh(*since)),
                None => Some(now),
            })
            .collect();

        let last = since.iter().flatten().max().copied()?;
        // Somebody must be there to do the rest of the work.
        let relieved = since.iter().any(Option::is_none);
        (relieved && !settings.window.is_zero()).then(|| Self {
            since,
            until: last + settings.window,
        })
    }

    /// Whether nobody is starting any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// The part of its share that the endpoint at `index` gets.
    pub(super) fn share(&self, settings: &SlowStart, index: usize, now: Instant) -> f64 {
        match self.since.get(index) {
            Some(Some(since)) => settings.share(now.saturating_duration_since(*since)),
            Some(None) | None => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    proptest! {
        /// The share never shrinks with age, begins at the least, and ends whole.
        #[test]
        fn share_grows(window in 1..10_000_u64, least in any::<u8>(), ages in (0..20_000_u64, 0..20_000_u64)) {
            let settings = SlowStart::new(Duration::from_millis(window)).with_least(Percent::new(least));
            let (young, old) = (ages.0.min(ages.1), ages.0.max(ages.1));

            let share = |age| settings.share(Duration::from_millis(age));

            prop_assert!(share(young) <= share(old));
            prop_assert!(share(0) >= 0.01 && share(0) <= 1.0);
            prop_assert!(share(window) == 1.0);
        }
    }
}
