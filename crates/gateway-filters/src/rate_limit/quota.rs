//! How many requests may pass: arithmetic on one number, without a clock.

use std::num::NonZeroU32;
use std::time::Duration;

use super::gcra;

/// A bucket of tokens, of which each request takes one.
///
/// All that is to know of a bucket is one `u64`, so that it fits into an atomic; `0` is a full
/// one. What it means depends on the refill:
///
/// - continuous: the nanosecond at which the bucket is full again. Taking a token moves that moment
///   by the time one token needs. [`gcra`] says whether there is one.
/// - by window: in the upper 40 bits the millisecond in which the window began, in the lower 24
///   how many tokens of a full bucket are missing.
///
/// Times are counted from when the limiter was made, and are enough for 34 years.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Quota {
    pub(super) requests: u32,
    pub(super) burst: u32,
    pub(super) window: Duration,
    pub(super) refill: Refill,
    /// How long one token takes to come back, in nanoseconds.
    pub(super) interval: u64,
    /// The window in whole milliseconds.
    pub(super) length: u64,
}

/// How tokens come back.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Refill {
    /// One after the other, evenly. This is the default.
    #[default]
    Continuous,
    /// All of a window at once, at its end. A window begins with the first request that finds
    /// the bucket full.
    Window,
}

/// What is left of a quota. Some of it is for the client to know.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Standing {
    /// How many requests are allowed in each window.
    pub limit: u32,
    /// How many more could pass now.
    pub remaining: u32,
    /// When all of the quota is there again, if nothing more is asked.
    pub full_after: Duration,
    /// When one more could pass; zero if it could now.
    pub next_after: Duration,
}

impl Quota {
    /// As many in each window as at once, one after the other.
    pub(super) fn new(requests: u32, window: Duration) -> Self {
        // Rounded up, both: never more requests than were asked for, rather than never fewer.
        let nanoseconds = nanoseconds(window);
        Self {
            requests,
            burst: requests,
            window,
            refill: Refill::Continuous,
            interval: nanoseconds.div_ceil(u64::from(requests)),
            length: nanoseconds.div_ceil(MILLISECOND),
        }
    }

    /// The bucket after one token was taken at `now`; `None` if there is none to take.
    pub(super) fn take(&self, state: u64, now: u64) -> Option<u64> {
        match self.refill {
            Refill::Continuous => gcra::take(self.cells(), state, now),
            Refill::Window => {
                let mut window = self.settle(Window::unpack(state), now);
                if window.missing >= self.burst {
                    return None;
                }
                if window.missing == 0 {
                    // Rounded up, so that no window is too short.
                    window.start = now.div_ceil(MILLISECOND);
                }
                window.missing += 1;
                Some(window.pack())
            }
        }
    }

    /// How many tokens can be taken at `now`.
    pub(super) fn available(&self, state: u64, now: u64) -> u32 {
        let missing = match self.refill {
            Refill::Continuous => {
                let missing = state.saturating_sub(now).div_ceil(self.interval);
                u32::try_from(missing).unwrap_or(u32::MAX)
            }
            Refill::Window => self.settle(Window::unpack(state), now).missing,
        };
        self.burst.saturating_sub(missing)
    }

    /// When the bucket is full, if no more is taken.
    pub(super) fn full_at(&self, state: u64) -> u64 {
        match self.refill {
            Refill::Continuous => state,
            Refill::Window => {
                let window = Window::unpack(state);
                let windows = window.missing.div_ceil(self.requests);
                self.end_of(window, windows)
            }
        }
    }

    /// When, of those who wait for a token, the `nth` gets it. The first is `1`.
    pub(super) fn turn_at(&self, state: u64, nth: u32) -> u64 {
        match self.refill {
            Refill::Continuous => {
                let due = self.interval.saturating_mul(u64::from(nth));
                let due = due.saturating_add(state);
                due.saturating_sub(self.interval * u64::from(self.burst))
            }
            Refill::Window => {
                let window = Window::unpack(state);
                let short = window.missing.saturating_add(nth);
                let short = short.saturating_sub(self.burst);
                self.end_of(window, short.div_ceil(self.requests.min(self.burst)))
            }
        }
    }

    /// What is left at `now`, for one before whom `ahead` others wait.
    pub(super) fn standing(&self, state: u64, now: u64, ahead: u32) -> Standing {
        let after = |at: u64| Duration::from_nanos(at.saturating_sub(now));
        Standing {
            limit: self.requests,
            remaining: self.available(state, now).saturating_sub(ahead),
            full_after: after(self.full_at(state)),
            next_after: after(self.turn_at(state, ahead.saturating_add(1))),
        }
    }

    /// The burst and the interval, as `governor` has them.
    fn cells(&self) -> governor::Quota {
        let burst = NonZeroU32::new(self.burst).expect("no burst is zero");
        let interval = Duration::from_nanos(self.interval);
        let cells = governor::Quota::with_period(interval).expect("no interval is zero");
        cells.allow_burst(burst)
    }

    /// The window that is open at `now`; one that misses nothing, if the bucket has filled up.
    fn settle(&self, mut window: Window, now: u64) -> Window {
        let over = (now / MILLISECOND).saturating_sub(window.start) / self.length;
        let refilled = over.saturating_mul(u64::from(self.requests));
        let missing = u64::from(window.missing).saturating_sub(refilled);
        window.missing = u32::try_from(missing).expect("not more than before");
        window.start += over * self.length;
        window
    }

    fn end_of(&self, window: Window, windows: u32) -> u64 {
        (window.start + u64::from(windows) * self.length) * MILLISECOND
    }
}

/// The two numbers of a window.
#[derive(Clone, Copy)]
struct Window {
    /// In milliseconds.
    start: u64,
    missing: u32,
}

impl Window {
    fn unpack(state: u64) -> Self {
        Self {
            start: state >> MISSING_BITS,
            missing: (state & u64::from(MOST)) as u32,
        }
    }

    fn pack(self) -> u64 {
        self.start << MISSING_BITS | u64::from(self.missing)
    }
}

/// In nanoseconds, as far as they can be counted.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const MILLISECOND: u64 = 1_000_000;

const MISSING_BITS: u32 = 24;

/// The last moment at which a window can begin, in nanoseconds.
pub(super) const LATEST: u64 = ((1 << (u64::BITS - MISSING_BITS)) - 1) * MILLISECOND;

/// No quota and no burst is above this.
pub(super) const MOST: u32 = (1 << MISSING_BITS) - 1;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000 * MILLISECOND;

    fn quota(refill: Refill, requests: u32, burst: u32, milliseconds: u64) -> Quota {
        Quota {
            burst,
            refill,
            ..Quota::new(requests, Duration::from_millis(milliseconds))
        }
    }

    /// Takes as often as there is something to take.
    fn drain(quota: &Quota, state: &mut u64, now: u64) -> u32 {
        let mut taken = 0;
        while let Some(after) = quota.take(*state, now) {
            *state = after;
            taken += 1;
        }
        taken
    }

    #[test]
    fn full_bucket_has_the_burst() {
        for refill in [Refill::Continuous, Refill::Window] {
            let quota = quota(refill, 7, 12, 1_000);
            let mut state = 0;

            assert_eq!(quota.available(state, 5), 12);
            assert_eq!(drain(&quota, &mut state, 5), 12);
            assert_eq!(quota.available(state, 5), 0);
        }
    }

    #[test]
    fn idleness_saves_up_no_more_than_the_burst() {
        for refill in [Refill::Continuous, Refill::Window] {
            let quota = quota(refill, 7, 12, 1_000);
            let mut state = 0;
            drain(&quota, &mut state, 5);

            assert_eq!(drain(&quota, &mut state, 100 * SECOND), 12);
        }
    }

    #[test]
    fn continuous_refill_brings_one_token_after_the_other() {
        let quota = quota(Refill::Continuous, 4, 4, 1_000);
        let mut state = 0;
        drain(&quota, &mut state, 0);

        assert_eq!(drain(&quota, &mut state, SECOND / 4 - 1), 0);
        assert_eq!(drain(&quota, &mut state, SECOND / 4), 1);
        assert_eq!(drain(&quota, &mut state, SECOND), 3);
    }

    #[test]
    fn window_refill_brings_all_at_the_end() {
        let quota = quota(Refill::Window, 2, 5, 1_000);
        let mut state = 0;
        let start = 300 * MILLISECOND;
        drain(&quota, &mut state, start);

        assert_eq!(drain(&quota, &mut state, start + SECOND - 1), 0);
        assert_eq!(drain(&quota, &mut state, start + SECOND), 2);
        assert_eq!(drain(&quota, &mut state, start + 3 * SECOND), 4);
    }

    #[test]
    fn window_begins_with_the_first_request_after_idleness() {
        let quota = quota(Refill::Window, 2, 2, 1_000);
        let mut state = quota.take(0, 0).expect("full");

        // Full again since one second; the next window begins here.
        state = quota.take(state, 5 * SECOND + SECOND / 2).expect("full");
        state = quota.take(state, 6 * SECOND).expect("one left");

        assert_eq!(quota.take(state, 6 * SECOND + SECOND / 2 - 1), None);
        assert!(quota.take(state, 6 * SECOND + SECOND / 2).is_some());
    }

    #[test]
    fn parts_of_a_millisecond_make_no_window_shorter() {
        let quota = quota(Refill::Window, 1, 1, 1);

        let state = quota.take(0, 1).expect("full");

        assert_eq!(quota.take(state, MILLISECOND), None);
        assert_eq!(quota.turn_at(state, 1), 2 * MILLISECOND);
        assert!(quota.take(state, 2 * MILLISECOND).is_some());
    }

    #[test]
    fn standing_tells_when_more_can_pass() {
        let quota = quota(Refill::Continuous, 10, 10, 1_000);
        let mut state = 0;
        drain(&quota, &mut state, 0);

        let standing = quota.standing(state, SECOND / 20, 2);

        assert_eq!(standing.limit, 10);
        assert_eq!(standing.remaining, 0);
        assert_eq!(standing.full_after, Duration::from_millis(950));
        assert_eq!(standing.next_after, Duration::from_millis(250));
    }

    fn quotas() -> impl Strategy<Value = Quota> {
        let refill = prop_oneof![Just(Refill::Continuous), Just(Refill::Window)];
        (refill, 1..50_u32, 1..80_u32, 1..5_000_u64)
            .prop_map(|(refill, requests, burst, window)| quota(refill, requests, burst, window))
    }

    /// Moments in order, some of them the same.
    fn moments() -> impl Strategy<Value = Vec<u64>> {
        let step = prop_oneof![2 => Just(0), 3 => 0..SECOND / 10, 1 => 0..20 * SECOND];
        vec(step, 1..80).prop_map(|steps| {
            let mut now = 0;
            steps
                .iter()
                .map(|step| {
                    now += step;
                    now
                })
                .collect()
        })
    }

    /// The same bucket, kept as one would on paper. Whether each request passes.
    fn on_paper(quota: &Quota, moments: &[u64]) -> Vec<bool> {
        let (burst, requests) = (i128::from(quota.burst), i128::from(quota.requests));
        match quota.refill {
            Refill::Continuous => {
                // Tokens in fractions of which one token has `interval`.
                let interval = i128::from(quota.interval);
                let (mut tokens, mut last) = (burst * interval, 0);
                let pass = |&now: &u64| {
                    tokens = (tokens + i128::from(now - last)).min(burst * interval);
                    last = now;
                    let passes = tokens >= interval;
                    tokens -= if passes { interval } else { 0 };
                    passes
                };
                moments.iter().map(pass).collect()
            }
            Refill::Window => {
                let length = quota.length * MILLISECOND;
                let (mut tokens, mut refill_at) = (burst, None);
                let pass = |&now: &u64| {
                    while let Some(at) = refill_at.filter(|at| *at <= now) {
                        tokens = (tokens + requests).min(burst);
                        refill_at = (tokens < burst).then_some(at + length);
                    }
                    let passes = tokens > 0;
                    tokens -= i128::from(passes);
                    let start = now.div_ceil(MILLISECOND) * MILLISECOND;
                    refill_at = refill_at.or((tokens < burst).then_some(start + length));
                    passes
                };
                moments.iter().map(pass).collect()
            }
        }
    }

    proptest! {
        /// One number decides as a bucket does that is kept token by token.
        #[test]
        fn decisions_are_those_on_paper(quota in quotas(), moments in moments()) {
            let mut state = 0;
            let decide = |&now: &u64| {
                let taken = quota.take(state, now);
                state = taken.unwrap_or(state);
                taken.is_some()
            };

            let decisions: Vec<_> = moments.iter().map(decide).collect();

            prop_assert_eq!(decisions, on_paper(&quota, &moments));
        }

        /// In no stretch of time do more pass than the burst and what came back meanwhile.
        #[test]
        fn never_more_than_burst_and_refill(quota in quotas(), moments in moments()) {
            let mut state = 0;
            let mut passed = Vec::new();
            for now in moments {
                if let Some(after) = quota.take(state, now) {
                    state = after;
                    passed.push(now);
                }
            }

            for (from, first) in passed.iter().enumerate() {
                for (to, last) in passed.iter().enumerate().skip(from) {
                    let windows = match quota.refill {
                        Refill::Continuous => (last - first) as f64 / nanoseconds(quota.window) as f64,
                        Refill::Window => ((last - first) / nanoseconds(quota.window) + 1) as f64,
                    };
                    let most = f64::from(quota.burst) + windows * f64::from(quota.requests);
                    prop_assert!((to - from + 1) as f64 <= most + 1e-6);
                }
            }
        }

        /// What is said to be available can be taken, and no more.
        #[test]
        fn available_tokens_can_be_taken(quota in quotas(), moments in moments()) {
            let mut state = 0;
            for now in moments {
                let mut copy = state;
                prop_assert_eq!(quota.available(state, now), drain(&quota, &mut copy, now));
                state = quota.take(state, now).unwrap_or(state);
            }
        }

        /// A token that is foretold is there at its time, and not before.
        #[test]
        fn turns_are_foretold(quota in quotas(), moments in moments()) {
            let mut state = 0;
            for now in moments {
                state = quota.take(state, now).unwrap_or(state);
            }
            let last = quota.full_at(state);
            drain(&quota, &mut state, last.saturating_sub(nanoseconds(quota.window)));

            let at = quota.turn_at(state, 1);

            prop_assert!(quota.take(state, at).is_some());
            prop_assert!(at == 0 || quota.take(state, at - 1).is_none());
        }

        /// A bucket that is said to be full is, at its time and not before.
        #[test]
        fn full_is_full(quota in quotas(), moments in moments()) {
            let mut state = 0;
            for now in moments {
                state = quota.take(state, now).unwrap_or(state);
            }

            let at = quota.full_at(state);

            prop_assert_eq!(quota.available(state, at), quota.burst);
            prop_assert!(quota.available(state, at - 1) < quota.burst);
        }
    }
}
