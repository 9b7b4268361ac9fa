//! What is mirrored, and what it may cost.

use std::time::Duration;

use crate::Fraction;

/// Which requests are mirrored, and the limits that protect the gateway.
///
/// Any combination is valid.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MirrorSettings {
    fraction: Fraction,
    max_in_flight: usize,
    body_limit: usize,
    timeout: Option<Duration>,
}

impl MirrorSettings {
    /// Every request, within the default limits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fraction: Fraction::ALWAYS,
            max_in_flight: 128,
            body_limit: 64 * 1024,
            timeout: Some(Duration::from_secs(10)),
        }
    }

    /// Mirrors `fraction` of the requests: of as many in a row as its denominator
    /// says, exactly as many as its numerator says, chosen at random.
    ///
    /// The default is all. `HTTPRequestMirrorFilter.percent` and `.fraction`.
    #[must_use]
    pub const fn with_fraction(mut self, fraction: Fraction) -> Self {
        self.fraction = fraction;
        self
    }

    /// Mirrors nothing while `max` copies are under way.
    ///
    /// The default is 128.
    #[must_use]
    pub const fn with_max_in_flight(mut self, max: usize) -> Self {
        self.max_in_flight = max;
        self
    }

    /// Queues at most `limit` bytes of a body for a mirror that is slower than the
    /// main backend.
    ///
    /// The default is 64 KiB. It must hold what the main backend reads until the
    /// mirror is connected, and the largest frame.
    #[must_use]
    pub const fn with_body_limit(mut self, limit: usize) -> Self {
        self.body_limit = limit;
        self
    }

    /// Ends a copy, with the answer to it, after `timeout`; zero is no limit.
    ///
    /// The default is 10 seconds.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = if timeout.is_zero() {
            None
        } else {
            Some(timeout)
        };
        self
    }

    /// The part of the requests that is mirrored.
    #[must_use]
    pub const fn fraction(&self) -> Fraction {
        self.fraction
    }

    /// How many copies may be under way.
    #[must_use]
    pub const fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    /// How many bytes of a body may be queued for one copy.
    #[must_use]
    pub const fn body_limit(&self) -> usize {
        self.body_limit
    }

    /// How long a copy may take; `None` is for ever.
    #[must_use]
    pub const fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

impl Default for MirrorSettings {
    fn default() -> Self {
        Self::new()
    }
}
