//! One bucket of bytes, and the timer of whoever waits at it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::settings::Bandwidth;

/// How many bytes may pass in one direction. It begins full, and none is lost by rounding.
#[derive(Debug)]
pub(super) struct Pace {
    bandwidth: Bandwidth,
    /// Bytes, in parts of which each has [`PARTS`], as of `last`.
    credit: u128,
    last: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(super) fn new(bandwidth: Bandwidth) -> Self {
        Self {
            bandwidth,
            credit: u128::from(bandwidth.burst) * PARTS,
            last: Instant::now(),
            sleep: None,
        }
    }

    /// How many of `wanted` bytes may pass; ready once it is enough to be worth the while.
    pub(super) fn poll_allowance(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<usize> {
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        let enough = wanted.min(self.quantum());
        loop {
            let available = self.available(Instant::now());
            if available >= enough {
                let allowed = available.min(wanted);
                return Poll::Ready(usize::try_from(allowed).unwrap_or(usize::MAX));
            }
            let until = self.ready_at(enough);
            let sleep = match &mut self.sleep {
                Some(sleep) => {
                    if sleep.deadline() != until {
                        sleep.as_mut().reset(until);
                    }
                    sleep
                }
                none => none.insert(Box::pin(sleep_until(until))),
            };
            ready!(sleep.as_mut().poll(cx));
        }
    }

    /// Takes what has passed, which must have been allowed.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.credit = self.credit.saturating_sub(bytes as u128 * PARTS);
    }

    /// How many bytes may pass at `now`.
    fn available(&mut self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.last).as_nanos();
        let full = u128::from(self.bandwidth.burst) * PARTS;
        let earned = elapsed.saturating_mul(u128::from(self.bandwidth.rate));
        self.credit = self.credit.saturating_add(earned).min(full);
        self.last = now;
        u64::try_from(self.credit / PARTS).expect("not more than the burst")
    }

    /// When `bytes`, not more than the burst, may pass.
    fn ready_at(&self, bytes: u64) -> Instant {
        let missing = (u128::from(bytes) * PARTS).saturating_sub(self.credit);
        let wait = missing.div_ceil(u128::from(self.bandwidth.rate));
        let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        // A clock that cannot count so far is looked at again in a day.
        let day = Duration::from_secs(24 * 60 * 60);
        self.last.checked_add(wait).unwrap_or(self.last + day)
    }

    /// So many bytes are worth waking up for.
    fn quantum(&self) -> u64 {
        let Bandwidth { rate, burst } = self.bandwidth;
        (rate / WAKES_PER_SECOND).clamp(1, burst)
    }
}

/// A nanosecond earns as many as bytes pass in a second.
const PARTS: u128 = 1_000_000_000;

const WAKES_PER_SECOND: u64 = 50;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Up to any moment, no more passes than the burst and what came since; and all that has
        /// come can pass.
        #[test]
        fn bytes_come_back_at_their_rate(
            rate in 1..5_000_000_u64,
            burst in 1..100_000_u64,
            steps in vec((0..2_000_000_000_u64, 0..200_000_u64), 1..60),
        ) {
            let bandwidth = Bandwidth { rate, burst };
            let mut pace = Pace::new(bandwidth);
            let start = pace.last;
            let mut now = start;
            let (mut credit, mut last) = (u128::from(burst) * PARTS, 0);
            let mut passed = 0;
            for (nanoseconds, wanted) in steps {
                now += Duration::from_nanos(nanoseconds);
                let elapsed = (now - start).as_nanos();
                credit = (credit + (elapsed - last) * u128::from(rate)).min(u128::from(burst) * PARTS);
                last = elapsed;

                let available = pace.available(now);
                prop_assert_eq!(u128::from(available), credit / PARTS);
                let bytes = available.min(wanted);
                pace.spend(usize::try_from(bytes).expect("few"));
                credit -= u128::from(bytes) * PARTS;

                passed += u128::from(bytes) * PARTS;
                prop_assert!(passed <= u128::from(burst) * PARTS + elapsed * u128::from(rate));
            }
        }

        /// What is foretold is there at its time, and not a nanosecond before.
        #[test]
        fn readiness_is_foretold(rate in 1..u64::MAX, burst in 1..u64::MAX, part: u64, spent: u64) {
            let mut pace = Pace::new(Bandwidth { rate, burst });
            let start = pace.last;
            let spent = spent.min(burst);
            pace.spend(usize::try_from(spent).expect("64 bits"));
            let bytes = part.clamp(1, burst);

            let at = pace.ready_at(bytes);

            let wait = at - start;
            prop_assume!(wait < Duration::from_secs(24 * 60 * 60));
            if let Some(before) = wait.checked_sub(Duration::from_nanos(1)) {
                prop_assert!(pace.available(start + before) < bytes);
            }
            prop_assert!(pace.available(at) >= bytes);
        }
    }
}
