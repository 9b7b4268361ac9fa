//! When an endpoint is thought well.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::percent::Percent;

/// Settings of a [`Health`](super::Health).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct HealthSettings {
    rise: NonZeroU32,
    fall: NonZeroU32,
    unproven: bool,
    ejection: Option<Ejection>,
}

impl HealthSettings {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            rise: one_at_least(2),
            fall: one_at_least(3),
            unproven: false,
            ejection: None,
        }
    }

    /// How many checks in a row have to pass until an endpoint is up again. 2 by default, at
    /// least 1.
    #[must_use]
    pub const fn with_rise(mut self, checks: u32) -> Self {
        self.rise = one_at_least(checks);
        self
    }

    /// How many checks in a row have to fail until an endpoint is down. 3 by default, at least 1.
    #[must_use]
    pub const fn with_fall(mut self, checks: u32) -> Self {
        self.fall = one_at_least(checks);
        self
    }

    /// Takes new endpoints for down until they have passed their checks. Off by default: they
    /// are used at once. If nobody makes checks, they stay down.
    #[must_use]
    pub const fn with_unproven_down(mut self) -> Self {
        self.unproven = true;
        self
    }

    /// Ejects endpoints that fail requests. Off by default.
    #[must_use]
    pub const fn with_ejection(mut self, ejection: Ejection) -> Self {
        self.ejection = Some(ejection);
        self
    }

    /// How many checks in a row have to pass until an endpoint is up again.
    #[must_use]
    pub const fn rise(&self) -> u32 {
        self.rise.get()
    }

    /// How many checks in a row have to fail until an endpoint is down.
    #[must_use]
    pub const fn fall(&self) -> u32 {
        self.fall.get()
    }

    /// Whether new endpoints are down until they have passed their checks.
    #[must_use]
    pub const fn unproven_is_down(&self) -> bool {
        self.unproven
    }

    /// Whether and when endpoints that fail requests are ejected.
    #[must_use]
    pub const fn ejection(&self) -> Option<&Ejection> {
        self.ejection.as_ref()
    }
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self::new()
    }
}

/// When an endpoint that fails requests is ejected, and for how long.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Ejection {
    consecutive: Option<NonZeroU32>,
    ratio: Option<FailureRatio>,
    base: Duration,
    longest: Duration,
    most: Percent,
}

impl Ejection {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            consecutive: Some(one_at_least(5)),
            ratio: None,
            base: Duration::from_secs(30),
            longest: Duration::from_secs(300),
            most: Percent::new(50),
        }
    }

    /// After how many failures in a row. 5 by default, at least 1; `None` takes no notice of
    /// them.
    #[must_use]
    pub fn with_consecutive(mut self, failures: Option<u32>) -> Self {
        self.consecutive = failures.map(one_at_least);
        self
    }

    /// Above which ratio of failures. Off by default.
    #[must_use]
    pub const fn with_ratio(mut self, ratio: FailureRatio) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// How long the first ejection is; each one after it is twice as long as the last. 30
    /// seconds by default.
    #[must_use]
    pub const fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// How long an ejection is at most. An endpoint that was not ejected for as long begins
    /// again with the first. 300 seconds by default, which is also how long the first can be.
    #[must_use]
    pub const fn with_longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// How many of the endpoints may be ejected at once, rounded down, but one in any case where
    /// there is another. An only endpoint is ejected if this is all. 50 percent by default.
    #[must_use]
    pub const fn with_most(mut self, most: Percent) -> Self {
        self.most = most;
        self
    }

    /// After how many failures in a row.
    #[must_use]
    pub fn consecutive(&self) -> Option<u32> {
        self.consecutive.map(NonZeroU32::get)
    }

    /// Above which ratio of failures.
    #[must_use]
    pub const fn ratio(&self) -> Option<FailureRatio> {
        self.ratio
    }

    /// How long the ejection after `before` others is.
    #[must_use]
    pub fn duration(&self, before: u32) -> Duration {
        let times = 2_u32.checked_pow(before).unwrap_or(u32::MAX);
        self.base.saturating_mul(times).min(self.longest)
    }

    /// How long an ejection is at most.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// How many of `endpoints` may be ejected at once.
    #[must_use]
    pub fn most(&self, endpoints: usize) -> usize {
        if endpoints < 2 && self.most < Percent::ALL {
            return 0;
        }
        self.most.part_of(endpoints).max(1)
    }
}

impl Default for Ejection {
    fn default() -> Self {
        Self::new()
    }
}

/// A ratio of failures to requests within a time.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FailureRatio {
    share: Percent,
    volume: NonZeroU32,
    window: Duration,
}

impl FailureRatio {
    /// `share` of the requests, or more, have failed, out of at least `volume`, within `window`.
    ///
    /// A window begins with a failure, and the first failure after its end begins the next. What
    /// succeeded before that does not count.
    #[must_use]
    pub const fn new(share: Percent, volume: u32, window: Duration) -> Self {
        Self {
            share,
            volume: one_at_least(volume),
            window,
        }
    }

    /// For how long requests are counted, from a failure on, before the counting begins anew.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Whether so many failures, and so many other requests, are too much.
    #[must_use]
    pub fn is_reached(&self, failures: u32, successes: u32) -> bool {
        let all = u64::from(failures) + u64::from(successes);
        failures > 0
            && all >= u64::from(self.volume.get())
            && u64::from(failures) * 100 >= all * u64::from(self.share.get())
    }
}

const fn one_at_least(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
