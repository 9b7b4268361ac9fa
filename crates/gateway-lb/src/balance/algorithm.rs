//! How endpoints are picked, and the settings of those ways that have any.

use std::time::Duration;

use crate::percent::Percent;

/// How a [`Balancer`](super::Balancer) picks.
///
/// `n` is the number of endpoints. No algorithm takes a lock; only the bounded loads of
/// [`RingHash`] and [`Maglev`] write to memory that threads share.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// One after the other, in the order of their addresses. This is the default.
    ///
    /// Each thread rotates by itself, and threads start at places spread over the set. Weights
    /// are not looked at. The cost does not grow with `n`.
    #[default]
    RoundRobin,
    /// Of two endpoints chosen at random, the one with fewer requests in flight for its weight.
    ///
    /// A thread counts the requests it has sent itself. Slow endpoints get less, with neither the
    /// herd that follows when everyone sends to the least loaded one nor a search through all.
    /// The cost does not grow with `n`.
    LeastRequest,
    /// In turn, each as often as its weight says, the turns of one spread as evenly as can be
    /// (smooth weighted round robin).
    ///
    /// Each thread counts by itself. The cost grows with `n`: one addition for each endpoint.
    WeightedRoundRobin,
    /// Any, with a probability that is its weight's share.
    ///
    /// Remembers nothing. The cost grows with the logarithm of `n`.
    Random,
    /// Of two endpoints chosen at random, the one that is expected to answer sooner.
    ///
    /// The cost does not grow with `n`; the clock is read once when picking and once when
    /// answered.
    PeakEwma(PeakEwma),
    /// The endpoint next on a ring (consistent hashing). A pick is a binary search.
    RingHash(RingHash),
    /// The endpoint at the key's place in a table (consistent hashing). A pick is one look into
    /// the table.
    Maglev(Maglev),
}

/// Settings of [`Algorithm::PeakEwma`]: the expected latency of an endpoint.
///
/// It follows every answer that was slower than expected at once, forgets with time, and is
/// multiplied by the requests in flight. Each thread learns for itself. A failure counts as an
/// answer that took [`failure_penalty`](Self::failure_penalty), so that an endpoint that fails
/// fast does not draw requests.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PeakEwma {
    decay: Duration,
    initial: Duration,
    failure_penalty: Duration,
}

impl PeakEwma {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            decay: Duration::from_secs(10),
            initial: Duration::from_millis(30),
            failure_penalty: Duration::from_secs(5),
        }
    }

    /// After how long an observation counts for 1/e of what it did. 10 seconds by default;
    /// less than a millisecond is a millisecond.
    #[must_use]
    pub fn with_decay(mut self, decay: Duration) -> Self {
        self.decay = decay.max(Duration::from_millis(1));
        self
    }

    /// What is expected of an endpoint that has not answered yet, while its first request is in
    /// flight; before that, it is tried. 30 milliseconds by default.
    #[must_use]
    pub const fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// The latency that a failure counts as, if it took less. 5 seconds by default.
    #[must_use]
    pub const fn with_failure_penalty(mut self, penalty: Duration) -> Self {
        self.failure_penalty = penalty;
        self
    }

    /// After how long an observation counts for 1/e of what it did.
    #[must_use]
    pub const fn decay(&self) -> Duration {
        self.decay
    }

    /// What is expected of an endpoint that has not answered yet.
    #[must_use]
    pub const fn initial(&self) -> Duration {
        self.initial
    }

    /// The latency that a failure counts as.
    #[must_use]
    pub const fn failure_penalty(&self) -> Duration {
        self.failure_penalty
    }
}

impl Default for PeakEwma {
    fn default() -> Self {
        Self::new()
    }
}

/// Settings of [`Algorithm::RingHash`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RingHash {
    points: u16,
    bound: Option<LoadBound>,
}

impl RingHash {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            points: 160,
            bound: None,
        }
    }

    /// How many points of the ring an endpoint of weight 1 has; more points even out the shares.
    /// 160 by default; 1 at least. Where weights are large, all have fewer, so that the heaviest
    /// has 10,000.
    #[must_use]
    pub fn with_points(mut self, points: u16) -> Self {
        self.points = points.max(1);
        self
    }

    /// Sends a key elsewhere while its endpoint has too much in flight. Off by default.
    #[must_use]
    pub const fn with_bound(mut self, bound: LoadBound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// How many points an endpoint of weight 1 has.
    #[must_use]
    pub const fn points(&self) -> u16 {
        self.points
    }

    /// The bound of the loads, if there is one.
    #[must_use]
    pub const fn bound(&self) -> Option<LoadBound> {
        self.bound
    }
}

impl Default for RingHash {
    fn default() -> Self {
        Self::new()
    }
}

/// Settings of [`Algorithm::Maglev`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Maglev {
    slots: u32,
    bound: Option<LoadBound>,
}

impl Maglev {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            slots: 65_537,
            bound: None,
        }
    }

    /// The length of the table, made the next prime number, and at most 5,000,011. 65,537 by
    /// default, which takes 256 KiB; a hundred times the number of endpoints is a good choice.
    #[must_use]
    pub fn with_slots(mut self, slots: u32) -> Self {
        self.slots = (slots.clamp(2, MOST_SLOTS)..)
            .find(|slots| is_prime(*slots))
            .unwrap_or(MOST_SLOTS);
        self
    }

    /// Sends a key elsewhere while its endpoint has too much in flight. Off by default.
    #[must_use]
    pub const fn with_bound(mut self, bound: LoadBound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// The length of the table.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        self.slots
    }

    /// The bound of the loads, if there is one.
    #[must_use]
    pub const fn bound(&self) -> Option<LoadBound> {
        self.bound
    }
}

impl Default for Maglev {
    fn default() -> Self {
        Self::new()
    }
}

/// A prime.
const MOST_SLOTS: u32 = 5_000_011;

fn is_prime(number: u32) -> bool {
    number >= 2
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

/// How much more than its share of the requests in flight an endpoint may have (consistent
/// hashing with bounded loads).
///
/// The requests of all threads count, so each pick writes to two counters that threads share. Two
/// that pick at the same time do not take the same place. Only if no endpoint that may be picked
/// has room is one picked that has none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct LoadBound {
    excess: Percent,
}

impl LoadBound {
    /// Up to `excess` more than the share; 25 percent is usual. None at all is taken as 1 percent.
    #[must_use]
    pub const fn new(excess: Percent) -> Self {
        Self {
            excess: if excess.get() == 0 {
                Percent::new(1)
            } else {
                excess
            },
        }
    }

    /// How much more than the share.
    #[must_use]
    pub const fn excess(&self) -> Percent {
        self.excess
    }

    /// The most that an endpoint of `weight` may have in flight, if `total` are in flight to
    /// endpoints whose weights add up to `weights`.
    pub(super) fn most(self, total: usize, weight: u64, weights: u64) -> usize {
        let hundredths = 100 + u128::from(self.excess.get());
        let share = hundredths * total as u128 * u128::from(weight);
        share.div_ceil(100 * u128::from(weights.max(1))) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_a_prime_number_of_slots() {
        assert_eq!(Maglev::new().with_slots(0).slots(), 2);
        assert_eq!(Maglev::new().with_slots(100).slots(), 101);
        assert_eq!(Maglev::new().with_slots(65_537).slots(), 65_537);
        assert_eq!(Maglev::new().with_slots(u32::MAX).slots(), MOST_SLOTS);
        assert!(is_prime(MOST_SLOTS));
        assert!(is_prime(Maglev::default().slots()));
    }

    #[test]
    fn settings_out_of_range_are_brought_into_it() {
        assert_eq!(RingHash::new().with_points(0).points(), 1);
        assert_eq!(LoadBound::new(Percent::ZERO).excess(), Percent::new(1));
        let decay = PeakEwma::new().with_decay(Duration::ZERO).decay();
        assert_eq!(decay, Duration::from_millis(1));
    }

    #[test]
    fn bound_is_the_share_and_its_excess() {
        let bound = LoadBound::new(Percent::new(25));

        assert_eq!(bound.most(100, 1, 10), 13);
        assert_eq!(bound.most(1, 1, 10), 1);
        assert_eq!(bound.most(100, 3, 4), 94);
    }
}
