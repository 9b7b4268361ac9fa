//! Which requests are chosen.

use crate::Fraction;
use crate::sync::{AtomicU64, Ordering};

/// Draws lots: of as many requests in a row as a fraction's denominator says, exactly as many as its
/// numerator says are chosen, at places that nobody can foresee.
///
/// By turns alone, a client that takes turns too would be mirrored always or never; by chance alone,
/// a few requests are anything between all and none.
#[derive(Debug, Default)]
pub(super) struct Lots {
    /// How many requests are left of those in a row, and below, how many of them are to be chosen.
    left: AtomicU64,
}

impl Lots {
    /// Whether the next request is chosen. Nothing is written for all or none.
    pub(super) fn draw(&self, fraction: Fraction) -> bool {
        let (part, whole) = (fraction.numerator(), fraction.denominator());
        if part == 0 || part == whole {
            return part == whole;
        }
        self.draw_by(part, whole, fastrand::u32(..))
    }

    /// Whether the next request is chosen, of `whole` in a row `part`, if chance has it so.
    fn draw_by(&self, part: u32, whole: u32, random: u32) -> bool {
        let mut known = self.left.load(Ordering::Relaxed);
        loop {
            let (left, due) = match unpack(known) {
                (0, _) => (whole, part),
                row => row,
            };
            let is_chosen = u64::from(random) * u64::from(left) < u64::from(due) << u32::BITS;
            let next = pack(left - 1, due - u32::from(is_chosen));
            let swapped =
                self.left
                    .compare_exchange_weak(known, next, Ordering::Relaxed, Ordering::Relaxed);
            match swapped {
                Ok(_) => return is_chosen,
                Err(newer) => known = newer,
            }
        }
    }
}

fn pack(left: u32, due: u32) -> u64 {
    u64::from(left) << u32::BITS | u64::from(due)
}

/// What was packed; the parts are halves, so nothing is lost.
fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> u32::BITS) as u32, packed as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn fraction(part: u32, whole: u32) -> Fraction {
        Fraction::new(part, whole).expect("a fraction")
    }

    #[test]
    fn places_are_not_the_same_in_every_row() {
        let lots = Lots::default();
        let row = || (0..3).position(|_| lots.draw(fraction(1, 3)));
        let mut counts = [0_u32; 3];
        for _ in 0..3_000 {
            let place = row().expect("one of three is chosen");
            counts[place] += 1;
            // To the end of the row.
            (place + 1..3).for_each(|_| assert!(!lots.draw(fraction(1, 3))));
        }

        // Five standard deviations, of 25.8 each.
        assert!(
            counts.iter().all(|count| count.abs_diff(1_000) < 130),
            "{counts:?}"
        );
    }

    #[test]
    fn many_threads_together_choose_exactly_so_many() {
        let lots = Arc::new(Lots::default());
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let lots = Arc::clone(&lots);
                std::thread::spawn(move || (0..900).filter(|_| lots.draw(fraction(2, 9))).count())
            })
            .collect();

        let chosen: usize = threads
            .into_iter()
            .map(|one| one.join().expect("ends"))
            .sum();
        assert_eq!(chosen, 16 * 200);
    }

    proptest! {
        /// Of every row exactly the part is chosen, whatever is chosen by.
        #[test]
        fn exactly_the_part_of_each_row_is_chosen(whole in 1..200u32, part in 0..200u32, rows in 1..5u32) {
            let part = part.min(whole);
            let lots = Lots::default();
            for _ in 0..rows {
                let chosen = (0..whole).filter(|_| lots.draw(fraction(part, whole))).count();
                prop_assert_eq!(chosen, part as usize);
            }
        }
    }
}

/// Every order of threads is tried: `RUSTFLAGS="--cfg loom" cargo test -p gateway-filters --lib
/// --features mirror every_order`.
#[cfg(all(test, loom))]
mod every_order {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// Two rows of two, of each of which one is chosen, drawn by two threads.
    fn drawn_by_two(random: [u32; 2]) {
        loom::model(move || {
            let lots = Arc::new(Lots::default());
            let draw = |lots: &Lots, random: u32| {
                let chosen = [random, !random].map(|random| lots.draw_by(1, 2, random));
                chosen.into_iter().filter(|chosen| *chosen).count()
            };
            let other = {
                let lots = Arc::clone(&lots);
                thread::spawn(move || draw(&lots, random[1]))
            };
            let here = draw(&lots, random[0]);
            let there = other.join().expect("no panic");

            assert_eq!(here + there, 2);
        });
    }

    #[test]
    fn rows_have_their_part_whoever_draws() {
        drawn_by_two([0, 0]);
        drawn_by_two([0, u32::MAX]);
        drawn_by_two([u32::MAX, u32::MAX]);
    }
}
