//! Fractions of 2^64, which place a point on a line of any length.

/// The golden ratio's fraction. Its multiples fill a line more evenly than those of any other
/// number.
pub(crate) const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The point on `0..length` that lies at `fraction`; zero if there is none.
pub(crate) fn point(fraction: u64, length: u64) -> u64 {
    // The product of two u64 fits, and its upper half is less than either.
    ((u128::from(fraction) * u128::from(length)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    #[test]
    fn ends_of_the_line_are_reached() {
        assert_eq!(point(0, 10), 0);
        assert_eq!(point(u64::MAX / 2 + 1, 10), 5);
        assert_eq!(point(u64::MAX, 10), 9);
        assert_eq!(point(u64::MAX, 0), 0);
    }

    proptest! {
        /// A point is on the line, and a larger fraction is never before a smaller one.
        #[test]
        fn points_are_on_the_line_and_in_order(a in any::<u64>(), b in any::<u64>(), length in 1..u64::MAX) {
            let (first, second) = (point(a.min(b), length), point(a.max(b), length));

            prop_assert!(first <= second);
            prop_assert!(second < length);
        }
    }
}
