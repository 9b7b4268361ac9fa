//! The generic cell rate algorithm of ATM: one decision of it, which `governor` makes.

use std::cell::Cell;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

/// The moment at which a bucket is full that was to be so at `full_at`, after one token was taken
/// at `now`; `None` if there is none to take.
pub(super) fn take(quota: Quota, full_at: u64, now: u64) -> Option<u64> {
    let missing = Missing(Cell::new(Nanos::from(full_at.saturating_sub(now))));
    // Made for this decision, which costs next to nothing: it is its quota and these two. One that
    // is kept would read a clock of its own, when the caller has said what time it is.
    let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Nanos>>::new(quota, missing, StandingStill);
    limiter.check().ok()?;
    Some(now + limiter.into_state_store().0.get().as_u64())
}

/// How long a bucket takes to be full, from the moment of the decision on: what the algorithm
/// calls the theoretical arrival time. Threads share the bucket, and not this.
struct Missing(Cell<Nanos>);

impl StateStore for Missing {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, after) = decide(Some(self.0.get()))?;
        self.0.set(after);
        Ok(outcome)
    }
}

/// Times are counted from the moment of the decision, and none passes before it is made.
struct StandingStill;

impl Clock for StandingStill {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::default()
    }
}
