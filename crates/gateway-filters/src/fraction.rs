//! A share of requests.

/// A part of all requests, between none and every one.
///
/// It is what the Gateway API's `HTTPRequestMirrorFilter` calls `percent` or `fraction`. A
/// fraction that exists has a denominator and is not more than one. It is kept as it was
/// written: one half and fifty hundredths choose alike, but are not equal.
///
/// ```
/// use gateway_filters::Fraction;
///
/// let third = Fraction::new(1, 3)?;
///
/// assert!(third.chosen(0));
/// assert!(!third.chosen(u32::MAX));
/// # Ok::<(), gateway_filters::InvalidFraction>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Fraction {
    numerator: u32,
    denominator: u32,
}

impl Fraction {
    /// Chooses every request.
    pub const ALWAYS: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// Chooses no request.
    pub const NEVER: Self = Self {
        numerator: 0,
        denominator: 1,
    };

    /// Chooses `numerator` of `denominator` requests.
    ///
    /// # Errors
    ///
    /// If `denominator` is zero, or less than `numerator`.
    pub const fn new(numerator: u32, denominator: u32) -> Result<Self, InvalidFraction> {
        if denominator == 0 {
            return Err(InvalidFraction::ZeroDenominator);
        }
        if numerator > denominator {
            return Err(InvalidFraction::AboveOne {
                numerator,
                denominator,
            });
        }
        Ok(Self {
            numerator,
            denominator,
        })
    }

    /// Chooses `percent` of a hundred requests.
    ///
    /// # Errors
    ///
    /// If `percent` is above one hundred.
    pub const fn from_percent(percent: u32) -> Result<Self, InvalidFraction> {
        Self::new(percent, 100)
    }

    /// How many of [`denominator`](Self::denominator) requests are chosen.
    #[must_use]
    pub const fn numerator(&self) -> u32 {
        self.numerator
    }

    /// Of how many requests [`numerator`](Self::numerator) are chosen.
    #[must_use]
    pub const fn denominator(&self) -> u32 {
        self.denominator
    }

    /// Whether a request that drew `random` is chosen.
    ///
    /// Of the 2³² numbers that can be drawn, this fraction of them is chosen, rounded up to a
    /// whole number.
    #[must_use]
    pub const fn chosen(&self, random: u32) -> bool {
        // Both products fit, for both factors are below 2³² + 1; and neither divides.
        (random as u64) * (self.denominator as u64) < (self.numerator as u64) << u32::BITS
    }

    /// Draws a number of this thread's own generator, and says whether it is chosen.
    #[must_use]
    pub fn sample(&self) -> bool {
        self.chosen(fastrand::u32(..))
    }
}

/// A share that is no share.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFraction {
    /// The denominator is zero.
    #[error("the denominator is zero")]
    ZeroDenominator,
    /// More requests would be chosen than there are.
    #[error("{numerator} of {denominator} is more than all")]
    AboveOne {
        /// As it was written.
        numerator: u32,
        /// As it was written.
        denominator: u32,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fractions() -> impl Strategy<Value = Fraction> {
        (1..=u32::MAX)
            .prop_flat_map(|denominator| (0..=denominator, Just(denominator)))
            .prop_map(|(numerator, denominator)| {
                Fraction::new(numerator, denominator).expect("not above one")
            })
    }

    #[test]
    fn zero_denominator_is_refused() {
        assert_eq!(Fraction::new(0, 0), Err(InvalidFraction::ZeroDenominator));
    }

    #[test]
    fn more_than_all_is_refused() {
        let error = Fraction::from_percent(101).expect_err("above one");

        assert_eq!(error.to_string(), "101 of 100 is more than all");
    }

    #[test]
    fn percent_is_of_a_hundred() {
        assert_eq!(Fraction::from_percent(42), Fraction::new(42, 100));
    }

    #[test]
    fn half_ends_in_the_middle() {
        let half = Fraction::new(1, 2).expect("valid");

        assert!(half.chosen((1 << 31) - 1));
        assert!(!half.chosen(1 << 31));
    }

    #[test]
    fn lowest_and_highest_draws_are_no_exception() {
        assert!(!Fraction::NEVER.chosen(0));
        assert!(Fraction::ALWAYS.chosen(u32::MAX));
    }

    #[test]
    fn sampling_comes_close_to_the_fraction() {
        fastrand::seed(7);
        let fifth = Fraction::new(1, 5).expect("valid");

        let chosen = (0..10_000).filter(|_| fifth.sample()).count();

        assert!((1_850..=2_150).contains(&chosen), "{chosen}");
    }

    proptest! {
        /// None of a number is never chosen, and all of it always.
        #[test]
        fn zero_never_and_one_always(random: u32, denominator in 1..=u32::MAX) {
            let never = Fraction::new(0, denominator).expect("valid");
            let always = Fraction::new(denominator, denominator).expect("valid");

            prop_assert!(!never.chosen(random) && !Fraction::NEVER.chosen(random));
            prop_assert!(always.chosen(random) && Fraction::ALWAYS.chosen(random));
        }

        /// The numbers chosen are the lowest ⌈2³² · n / d⌉, which is the exact proportion.
        #[test]
        fn chosen_numbers_are_exactly_the_fraction(fraction in fractions()) {
            let all = 1_u128 << 32;
            let share = (all * u128::from(fraction.numerator()))
                .div_ceil(u128::from(fraction.denominator()));

            if let Some(last) = share.checked_sub(1) {
                prop_assert!(fraction.chosen(u32::try_from(last).expect("below all")));
            }
            if share < all {
                prop_assert!(!fraction.chosen(u32::try_from(share).expect("below all")));
            }
        }

        /// A number that is chosen stays chosen when a lower one is drawn.
        #[test]
        fn lower_draws_are_chosen_first(fraction in fractions(), a: u32, b: u32) {
            let (low, high) = (a.min(b), a.max(b));

            prop_assert!(fraction.chosen(low) || !fraction.chosen(high));
        }
    }
}
