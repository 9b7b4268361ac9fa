//! How far apart two choices in a row are.

use crate::fraction;

/// A step that visits all of `0..total` before it returns, and spreads every part of the visit
/// evenly.
///
/// Such a step shares no divisor with `total`. It is even if the quotients in Euclid's algorithm
/// are small, because their sum bounds the distance from a perfect spread at any moment (the
/// discrepancy of an additive sequence). They are smallest near the golden section.
pub(super) fn step(total: u64) -> u64 {
    let golden = fraction::point(fraction::GOLDEN, total);
    let near = golden.saturating_sub(REACH).max(1)..(golden + REACH).min(total);

    near.filter_map(|step| Some((quotients(total, step)?, step)))
        .min()
        .map_or(1, |(_, step)| step)
}

/// The greatest common divisor; that of zero and a number is the number.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The sum of the quotients in Euclid's algorithm; `None` if the two have a common divisor.
fn quotients(mut a: u64, mut b: u64) -> Option<u64> {
    let mut sum = 0;
    while b > 0 {
        sum += a / b;
        (a, b) = (b, a % b);
    }
    (a == 1).then_some(sum)
}

/// How far from the golden section to look. Among any hundred numbers in a row one shares no
/// divisor with a given `u64` (Jacobsthal's function of the product of the first fifteen primes).
const REACH: u64 = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn step_of_two_alternates() {
        assert_eq!(step(2), 1);
    }

    #[test]
    fn nothing_to_walk_through_still_has_a_step() {
        assert_eq!(step(0), 1);
        assert_eq!(step(1), 1);
    }

    proptest! {
        /// A step has no common divisor with the total, so it visits all points.
        #[test]
        fn step_visits_every_point(total in 2..u64::MAX / 2) {
            let step = step(total);

            prop_assert!(step < total);
            prop_assert_eq!(gcd(total, step), 1);
        }

        /// A product of many small primes has few numbers to choose from, and they are found.
        #[test]
        fn step_is_found_among_many_divisors(factor in 1..1_000_000_u64) {
            let primes = 2 * 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29 * 31 * 37;
            let total = primes * factor;

            let step = step(total);

            prop_assert!(step > 1);
            prop_assert_eq!(gcd(total, step), 1);
        }

        /// The greatest common divisor divides both and leaves nothing in common.
        #[test]
        fn gcd_is_the_greatest(a in 1..=u64::from(u32::MAX), b in any::<u32>()) {
            let b = u64::from(b);
            let gcd_of_both = gcd(a, b);

            prop_assert_eq!(a % gcd_of_both, 0);
            prop_assert_eq!(b % gcd_of_both, 0);
            prop_assert_eq!(gcd(a / gcd_of_both, b / gcd_of_both), 1);
        }
    }
}
