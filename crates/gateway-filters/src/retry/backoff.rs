//! How long to wait before a retry.

use std::time::Duration;

use super::policy::RetryPolicy;

/// The longest pause before retry number `retry`, counted from 0.
pub(super) fn bound(policy: &RetryPolicy, retry: u32) -> Duration {
    let factor = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
    policy
        .backoff()
        .saturating_mul(factor)
        .min(policy.backoff_cap())
}

/// A random pause before retry number `retry`, counted from 0.
pub(super) fn pause(policy: &RetryPolicy, retry: u32) -> Duration {
    let bound = bound(policy, retry);
    // Rounding may not lengthen it.
    bound.mul_f64(fastrand::f64()).min(bound)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policies() -> impl Strategy<Value = RetryPolicy> {
        (any::<Duration>(), any::<Duration>()).prop_map(|(a, b)| {
            RetryPolicy::new()
                .with_capped_backoff(a.min(b), a.max(b))
                .expect("cap not below")
        })
    }

    #[test]
    fn bound_doubles_up_to_the_cap() {
        let policy = RetryPolicy::new();

        let bounds = [0, 1, 2, 3, 4, 40].map(|retry| bound(&policy, retry).as_millis());

        assert_eq!(bounds, [25, 50, 100, 200, 250, 250]);
    }

    #[test]
    fn pauses_spread_over_the_whole_range() {
        fastrand::seed(3);
        let policy = RetryPolicy::new();

        let pauses: Vec<_> = (0..1_000).map(|_| pause(&policy, 0)).collect();

        assert!(pauses.iter().any(|pause| *pause < policy.backoff() / 10));
        assert!(
            pauses
                .iter()
                .any(|pause| *pause > policy.backoff() / 10 * 9)
        );
    }

    proptest! {
        /// No pause is longer than the cap, and the first not longer than the backoff.
        #[test]
        fn pause_never_exceeds_the_cap(policy in policies(), retry: u32) {
            prop_assert!(pause(&policy, retry) <= policy.backoff_cap());
            prop_assert!(pause(&policy, 0) <= policy.backoff());
        }

        /// A later retry may wait as long as an earlier one.
        #[test]
        fn bound_never_shrinks(policy in policies(), retry in 0..u32::MAX) {
            prop_assert!(bound(&policy, retry) <= bound(&policy, retry + 1));
        }
    }
}
