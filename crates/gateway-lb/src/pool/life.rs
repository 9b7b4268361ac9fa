//! How long one connection is used.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// How long connections are used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct UseLimits {
    pub(super) age: Option<Duration>,
    pub(super) requests: Option<NonZeroU32>,
}

/// How long one connection is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    ends: Option<Instant>,
    requests: Option<NonZeroU32>,
}

impl Life {
    /// That of a connection that is being opened.
    ///
    /// Those that were opened together do not end together: each loses up to a tenth of its time.
    pub(super) fn new(limits: UseLimits) -> Self {
        let age = limits
            .age
            .map(|age| age.mul_f64(1.0 - LOST * fastrand::f64()));
        Self {
            ends: age.and_then(|age| Instant::now().checked_add(age)),
            requests: limits.requests,
        }
    }

    /// Whether a connection that has had so many requests gets no more.
    pub(super) fn is_over(&self, requests: u32) -> bool {
        self.requests.is_some_and(|most| requests >= most.get())
            || self.ends.is_some_and(|ends| Instant::now() >= ends)
    }
}

/// The share of its age that a connection may lose.
const LOST: f64 = 0.1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_limits_it_does_not_end() {
        assert!(!Life::new(UseLimits::default()).is_over(u32::MAX));
    }

    #[test]
    fn requests_end_it() {
        let life = Life::new(UseLimits {
            requests: NonZeroU32::new(2),
            age: None,
        });

        assert!(!life.is_over(1));
        assert!(life.is_over(2));
    }

    proptest! {
        /// No connection is older than it may be, and none loses more than a tenth.
        #[test]
        fn age_is_kept(age in 0..10_000_000_u64) {
            let age = Duration::from_millis(age);
            let before = Instant::now();
            let life = Life::new(UseLimits { age: Some(age), requests: None });
            let after = Instant::now();

            let ends = life.ends.unwrap();
            prop_assert!(ends <= after + age);
            prop_assert!(ends + Duration::from_micros(1) >= before + age.mul_f64(0.9));
        }
    }
}
