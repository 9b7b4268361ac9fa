//! When a breaker opens, for how long, and what it answers.

use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

use http::StatusCode;

use super::error::InvalidCircuitBreaker;
use crate::answer::Answer;
use crate::fraction::Fraction;
use crate::grpc::{GrpcStatus, GrpcStatusSet};
use crate::status_set::StatusSet;

/// When calls stop, for how long, and what is answered meanwhile.
///
/// Any number of thresholds can be set; the first one that is reached opens the breaker. Without
/// any, which is the default, it never opens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CircuitBreaker {
    pub(super) limits: Limits,
    pub(super) max_concurrency: Option<NonZeroU32>,
    pub(super) slow_after: Duration,
    pub(super) errors: Errors,
    answer: Answer,
}

/// What the state machine has to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
    pub(super) window: Duration,
    pub(super) min_requests: Option<NonZeroU32>,
    pub(super) consecutive_errors: Option<NonZeroU32>,
    pub(super) error_count: Option<NonZeroU32>,
    pub(super) error_ratio: Option<Fraction>,
    pub(super) slow_count: Option<NonZeroU32>,
    pub(super) slow_ratio: Option<Fraction>,
    pub(super) open_for: Duration,
    pub(super) probes: NonZeroU8,
}

/// What counts as an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Errors {
    pub(super) statuses: StatusSet,
    pub(super) grpc: GrpcStatusSet,
    pub(super) service: bool,
}

impl CircuitBreaker {
    /// A breaker without thresholds.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limits: Limits {
                window: Duration::from_secs(10),
                min_requests: None,
                consecutive_errors: None,
                error_count: None,
                error_ratio: None,
                slow_count: None,
                slow_ratio: None,
                open_for: Duration::from_secs(30),
                probes: NonZeroU8::MIN,
            },
            max_concurrency: None,
            slow_after: Duration::from_secs(1),
            errors: Errors {
                statuses: StatusSet::server_errors(),
                grpc: GrpcStatusSet::of(&[
                    GrpcStatus::DeadlineExceeded,
                    GrpcStatus::Internal,
                    GrpcStatus::Unavailable,
                    GrpcStatus::DataLoss,
                ]),
                service: true,
            },
            answer: Answer::text(StatusCode::SERVICE_UNAVAILABLE, "circuit breaker open"),
        }
    }

    /// Opens after this many errors with no success in between. Off by default.
    #[must_use]
    pub fn with_consecutive_errors(mut self, errors: NonZeroU32) -> Self {
        self.limits.consecutive_errors = Some(errors);
        self
    }

    /// Opens when there are this many errors in the window. Off by default.
    #[must_use]
    pub fn with_error_count(mut self, errors: NonZeroU32) -> Self {
        self.limits.error_count = Some(errors);
        self
    }

    /// Opens when this share of the calls in the window, or more, are errors. Off by default.
    #[must_use]
    pub fn with_error_ratio(mut self, ratio: Fraction) -> Self {
        self.limits.error_ratio = Some(ratio);
        self
    }

    /// Opens when there are this many slow calls in the window. Off by default.
    #[must_use]
    pub fn with_slow_count(mut self, calls: NonZeroU32) -> Self {
        self.limits.slow_count = Some(calls);
        self
    }

    /// Opens when this share of the calls in the window, or more, are slow. Off by default.
    #[must_use]
    pub fn with_slow_ratio(mut self, ratio: Fraction) -> Self {
        self.limits.slow_ratio = Some(ratio);
        self
    }

    /// Calls a call slow when its response takes longer than this to begin.
    ///
    /// The default is one second. It has a meaning with a slow count or ratio only.
    #[must_use]
    pub fn with_slow_after(mut self, limit: Duration) -> Self {
        self.slow_after = limit;
        self
    }

    /// Looks at the window only when it has this many calls.
    ///
    /// By default, ratios are looked at from 10 calls on, and counts always. It has no meaning
    /// for consecutive errors.
    #[must_use]
    pub fn with_min_requests(mut self, calls: NonZeroU32) -> Self {
        self.limits.min_requests = Some(calls);
        self
    }

    /// Counts what happened within the last `window`, which slides in tenths of itself.
    ///
    /// The default is 10 seconds.
    ///
    /// # Errors
    ///
    /// If `window` is shorter than 10 milliseconds.
    pub fn with_window(mut self, window: Duration) -> Result<Self, InvalidCircuitBreaker> {
        if window < Duration::from_millis(10) {
            return Err(InvalidCircuitBreaker::Window { window });
        }
        self.limits.window = window;
        Ok(self)
    }

    /// Refuses calls beyond this many at the same time. No limit by default.
    ///
    /// A call lasts until the body of its response has ended or is dropped. Refusing for this
    /// reason does not open the breaker.
    #[must_use]
    pub fn with_max_concurrency(mut self, calls: NonZeroU32) -> Self {
        self.max_concurrency = Some(calls);
        self
    }

    /// Stays open this long, before probes are let through. The default is 30 seconds.
    ///
    /// # Errors
    ///
    /// If `open_for` is shorter than a millisecond.
    pub fn with_open_for(mut self, open_for: Duration) -> Result<Self, InvalidCircuitBreaker> {
        if open_for < Duration::from_millis(1) {
            return Err(InvalidCircuitBreaker::OpenFor { open_for });
        }
        self.limits.open_for = open_for;
        Ok(self)
    }

    /// Closes again when this many probes have succeeded. The default is 1.
    #[must_use]
    pub fn with_probes(mut self, probes: NonZeroU8) -> Self {
        self.limits.probes = probes;
        self
    }

    /// Counts responses with one of `statuses` as errors, and no longer those given before.
    ///
    /// By default these are 500 to 599.
    ///
    /// # Errors
    ///
    /// If a status is above 599.
    pub fn with_error_statuses(
        mut self,
        statuses: impl IntoIterator<Item = StatusCode>,
    ) -> Result<Self, InvalidCircuitBreaker> {
        self.errors.statuses = StatusSet::empty();
        for status in statuses {
            if !self.errors.statuses.insert(status) {
                return Err(InvalidCircuitBreaker::Status { status });
            }
        }
        Ok(self)
    }

    /// Counts gRPC calls that end with one of `statuses` as errors, and no longer those given
    /// before.
    ///
    /// By default these are `DEADLINE_EXCEEDED`, `INTERNAL`, `UNAVAILABLE` and `DATA_LOSS`.
    #[must_use]
    pub fn with_error_grpc_statuses(
        mut self,
        statuses: impl IntoIterator<Item = GrpcStatus>,
    ) -> Self {
        self.errors.grpc = statuses.into_iter().collect();
        self
    }

    /// Whether a call that fails in the service, without a response, is an error. It is by
    /// default.
    #[must_use]
    pub fn with_service_errors(mut self, counted: bool) -> Self {
        self.errors.service = counted;
        self
    }

    /// Answers this while calls are refused. The default is 503 with a short text.
    #[must_use]
    pub fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }

    /// What is answered while calls are refused.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Whether nothing is ever refused.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.max_concurrency.is_none() && !self.limits.can_open()
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Limits {
    pub(super) fn can_open(&self) -> bool {
        self.consecutive_errors.is_some() || self.has_window()
    }

    pub(super) fn has_window(&self) -> bool {
        self.error_count.is_some() || self.error_ratio.is_some() || self.looks_at_slow()
    }

    pub(super) fn looks_at_slow(&self) -> bool {
        self.slow_count.is_some() || self.slow_ratio.is_some()
    }

    /// Whether it must be known how many calls there were.
    pub(super) fn counts_calls(&self) -> bool {
        self.has_window()
            && (self.min_requests.is_some()
                || self.error_ratio.is_some()
                || self.slow_ratio.is_some())
    }

    /// Whether a window with these sums opens the breaker.
    pub(super) fn reached(&self, sums: Sums) -> bool {
        let at_least = |calls: u64| self.min_requests.map_or(calls, |min| u64::from(min.get()));
        let counts = sums.calls >= at_least(0);
        let ratios = sums.calls >= at_least(MIN_FOR_RATIO);

        let count = |limit: Option<NonZeroU32>, there: u64| {
            counts && limit.is_some_and(|limit| there >= u64::from(limit.get()))
        };
        let ratio = |limit: Option<Fraction>, there: u64| {
            ratios
                && limit.is_some_and(|limit| {
                    there * u64::from(limit.denominator())
                        >= sums.calls * u64::from(limit.numerator())
                })
        };
        count(self.error_count, sums.errors)
            || count(self.slow_count, sums.slow)
            || ratio(self.error_ratio, sums.errors)
            || ratio(self.slow_ratio, sums.slow)
    }
}

/// What happened within a window.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sums {
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) slow: u64,
}

/// A share of fewer calls says little.
const MIN_FOR_RATIO: u64 = 10;
