//! Shares in hundredths.

/// A share from 0 to 100 percent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Percent(u8);

impl Percent {
    /// Nothing; also the default.
    pub const ZERO: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(100);

    /// So many percent; whatever is more than everything is everything.
    #[must_use]
    pub const fn new(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }

    /// From 0 to 100.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether `part` is less than this share of `whole`.
    pub(crate) const fn is_more_than(self, part: usize, whole: usize) -> bool {
        (part as u128) * 100 < (whole as u128) * (self.0 as u128)
    }

    /// The share of `whole`, rounded down.
    pub(crate) const fn part_of(self, whole: usize) -> usize {
        ((whole as u128) * (self.0 as u128) / 100) as usize
    }

    /// From 0 to 1.
    pub(crate) fn fraction(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        /// A percentage is never above 100, and a part is no more than its whole.
        #[test]
        fn part_is_no_more_than_the_whole(percent in any::<u8>(), whole in any::<usize>()) {
            let percent = Percent::new(percent);

            prop_assert!(percent <= Percent::ALL);
            prop_assert!(percent.part_of(whole) <= whole);
            prop_assert!(percent.fraction() <= 1.0);
        }

        /// A part is below its share exactly if it is less than the share rounded up.
        #[test]
        fn parts_are_compared_exactly(percent in 0..=100_u8, part in 0..1000_usize, whole in 0..1000_usize) {
            let below = Percent::new(percent).is_more_than(part, whole);

            prop_assert_eq!(below, part < (whole * usize::from(percent)).div_ceil(100));
        }
    }
}
