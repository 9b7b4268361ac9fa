//! How many retries all requests together may have.

use std::sync::Arc;

use tokio::time::Instant;

use crate::fraction::Fraction;
use crate::slots::{SLOTS, SlotCounts};

/// How much retries may add to what clients ask for.
///
/// When every backend fails, each request would else become as many as the policy has tries: just
/// when there is too much to do already. A budget holds for ten seconds, which slide by one: the
/// retries in that time are not more than the given share of the requests in it or, if that is
/// more, a few a second. So with a share of one fifth and more than fifteen requests a second,
/// backends see 1.2 times what clients send, at most.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RetryBudget {
    share: Fraction,
    per_second: u32,
}

impl RetryBudget {
    /// One retry for five requests, or three a second.
    #[must_use]
    pub const fn new() -> Self {
        let share = match Fraction::new(1, 5) {
            Ok(share) => share,
            Err(_) => Fraction::NEVER,
        };
        Self {
            share,
            per_second: 3,
        }
    }

    /// Allows retries for this share of the requests. The default is one fifth.
    #[must_use]
    pub const fn with_share(mut self, share: Fraction) -> Self {
        self.share = share;
        self
    }

    /// Allows this many retries a second, however few requests there are. The default is 3.
    #[must_use]
    pub const fn with_min_per_second(mut self, retries: u32) -> Self {
        self.per_second = retries;
        self
    }

    /// How many retries there may be within ten seconds that have so many requests.
    #[must_use]
    pub fn allowed(&self, requests: u64) -> u64 {
        let (part, whole) = (self.share.numerator(), self.share.denominator());
        // At most 2³² of 2³², so it fits again.
        let shared = u128::from(requests) * u128::from(part) / u128::from(whole);
        let few = u64::from(self.per_second) * SLOTS;
        u64::try_from(shared).unwrap_or(u64::MAX).max(few)
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// A budget that is being spent, by everyone who has a clone.
#[derive(Clone, Debug)]
pub struct SharedRetryBudget {
    ledger: Arc<Ledger>,
}

impl SharedRetryBudget {
    /// A budget of which nothing is spent.
    #[must_use]
    pub fn new(budget: RetryBudget) -> Self {
        Self {
            ledger: Arc::new(Ledger {
                account: Account::new(budget),
                start: Instant::now(),
            }),
        }
    }

    /// What may be spent.
    #[must_use]
    pub fn budget(&self) -> RetryBudget {
        self.ledger.account.budget
    }

    /// Whether the two are one.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ledger, &other.ledger)
    }

    /// There is one more request.
    pub(super) fn earn(&self) {
        self.ledger.account.earn(self.now());
    }

    /// Leave for one more retry, if there is enough left.
    pub(super) fn spend(&self) -> Option<Spent> {
        let second = self.now();
        let spent = self.ledger.account.spend(second);
        spent.then(|| Spent {
            budget: self.clone(),
            second,
        })
    }

    fn now(&self) -> u64 {
        self.ledger.start.elapsed().as_secs()
    }
}

#[derive(Debug)]
struct Ledger {
    account: Account,
    start: Instant,
}

/// Leave for a retry, which can be given back.
pub(super) struct Spent {
    budget: SharedRetryBudget,
    second: u64,
}

impl Spent {
    /// The retry was not made.
    pub(super) fn give_back(self) {
        self.budget.ledger.account.retries.take_back(self.second);
    }
}

/// The sums, without a clock.
#[derive(Debug)]
struct Account {
    budget: RetryBudget,
    requests: SlotCounts,
    retries: SlotCounts,
}

impl Account {
    fn new(budget: RetryBudget) -> Self {
        Self {
            budget,
            requests: SlotCounts::new(),
            retries: SlotCounts::new(),
        }
    }

    fn earn(&self, second: u64) {
        self.requests.add(second);
    }

    fn spend(&self, second: u64) -> bool {
        // Counted before it is looked at: threads that do so together may both give up, but
        // never both have what is only there for one.
        self.retries.add(second);
        let retries = self.retries.sum(second);
        let enough = retries <= self.budget.allowed(self.requests.sum(second));
        if !enough {
            self.retries.take_back(second);
        }
        enough
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn budget(part: u32, whole: u32, per_second: u32) -> RetryBudget {
        let share = Fraction::new(part, whole).expect("a share");
        RetryBudget::new()
            .with_share(share)
            .with_min_per_second(per_second)
    }

    #[test]
    fn default_is_a_fifth_or_three_a_second() {
        let budget = RetryBudget::default();

        assert_eq!(budget.allowed(0), 30);
        assert_eq!(budget.allowed(150), 30);
        assert_eq!(budget.allowed(1_000), 200);
        assert_eq!(budget.allowed(u64::MAX), u64::MAX / 5);
    }

    #[test]
    fn what_was_earned_is_gone_after_ten_seconds() {
        let account = Account::new(budget(1, 2, 0));
        (0..4).for_each(|_| account.earn(0));

        assert!(account.spend(SLOTS - 1));
        assert!(!account.spend(SLOTS));
    }

    #[test]
    fn threads_do_not_spend_more_than_there_is() {
        for _ in 0..50 {
            let account = Account::new(budget(1, 5, 0));
            (0..100).for_each(|_| account.earn(0));

            let spent: usize = std::thread::scope(|scope| {
                let spend = || (0..30).filter(|_| account.spend(0)).count();
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(spend)).collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no panic"))
                    .sum()
            });

            assert!(spent <= 20, "{spent}");
        }
    }

    proptest! {
        /// In any ten seconds, retries are not more than a share of the requests, or the few that
        /// are always allowed; and there is nothing left when one is refused.
        #[test]
        fn retries_stay_within_the_budget(
            part in 0..=5_u32,
            per_second in 0..3_u32,
            seconds in vec((0..30_u64, 0..30_u64), 1..40),
        ) {
            let budget = budget(part, 5, per_second);
            let account = Account::new(budget);
            let mut made: Vec<(u64, u64)> = Vec::new();

            for (second, (requests, wanted)) in (0..).zip(seconds) {
                (0..requests).for_each(|_| account.earn(second));
                let spent = (0..wanted).filter(|_| account.spend(second)).count() as u64;
                made.push((requests, spent));
                let window = &made[made.len().saturating_sub(10)..];
                let requests = window.iter().map(|(requests, _)| requests).sum();
                let retries: u64 = window.iter().map(|(_, retries)| retries).sum();

                // Requests that are gone may have paid for retries that are not yet.
                let paid: u64 = window.iter().map(|(_, retries)| retries).sum::<u64>() - spent;
                prop_assert!(retries <= budget.allowed(requests).max(paid));
                if spent < wanted {
                    prop_assert!(retries >= budget.allowed(requests));
                }
            }
        }
    }
}

/// Every order of threads is tried: `RUSTFLAGS="--cfg loom" cargo test -p gateway-filters --lib
/// every_order`.
#[cfg(all(test, loom))]
mod every_order {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    /// An account with one retry left, for two threads of which each wants it.
    fn spent_by_two(earned: u64, slots: [u64; 2]) {
        let mut model = loom::model::Builder::new();
        // Ten counters are read for each, most of which nobody writes.
        model.preemption_bound = Some(3);
        model.check(move || {
            let budget = RetryBudget::new().with_min_per_second(0);
            let account = Arc::new(Account::new(budget));
            (0..earned).for_each(|_| account.earn(slots[0]));
            let other = {
                let account = Arc::clone(&account);
                thread::spawn(move || account.spend(slots[1]))
            };
            let here = account.spend(slots[0]);
            let there = other.join().expect("no panic");

            assert!(!(here && there));
            // Whatever was refused was given back.
            let spent = u64::from(here) + u64::from(there);
            assert_eq!(account.retries.sum(slots[1]), spent);
        });
    }

    #[test]
    fn two_never_spend_what_is_there_for_one() {
        spent_by_two(5, [0, 0]);
    }

    #[test]
    fn clocks_that_differ_change_nothing() {
        spent_by_two(5, [0, 1]);
    }
}
