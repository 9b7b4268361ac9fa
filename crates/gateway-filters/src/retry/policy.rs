//! When to retry, and how often.

use std::time::Duration;

use http::StatusCode;

use crate::grpc::{GrpcStatus, GrpcStatusSet};
use crate::status_set::StatusSet;

/// Which failed tries are repeated, how often, and after which pause.
///
/// The Gateway API's `HTTPRouteRetry`. Values are checked when they are given, so
/// that a policy that exists can be followed.
///
/// ```
/// use std::time::Duration;
///
/// use gateway_filters::RetryPolicy;
/// use http::StatusCode;
///
/// let policy = RetryPolicy::new()
///     .with_attempts(3)
///     .with_codes([StatusCode::SERVICE_UNAVAILABLE])?
///     .with_backoff(Duration::from_millis(100));
///
/// assert!(policy.retries(StatusCode::SERVICE_UNAVAILABLE));
/// assert_eq!(policy.backoff_cap(), Duration::from_secs(1));
/// # Ok::<(), gateway_filters::retry::InvalidRetryPolicy>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RetryPolicy {
    codes: StatusSet,
    grpc: GrpcStatusSet,
    try_timeout: Option<Duration>,
    attempts: u32,
    backoff: Duration,
    cap: Duration,
    body_limit: usize,
}

impl RetryPolicy {
    /// One retry, and only of what was not sent.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            codes: StatusSet::empty(),
            grpc: GrpcStatusSet::of(&[GrpcStatus::Unavailable]),
            try_timeout: None,
            attempts: 1,
            backoff: Duration::from_millis(25),
            cap: Duration::from_millis(250),
            body_limit: 64 * 1024,
        }
    }

    /// A policy that repeats nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self::new().with_attempts(0)
    }

    /// Repeats a try at most `attempts` times, the first one not counted.
    ///
    /// The default is 1; 0 switches retrying off. `HTTPRouteRetry.attempts`.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Repeats tries that were answered with one of `codes`, and no longer those
    /// given before.
    ///
    /// There are none by default. `HTTPRouteRetry.codes`.
    ///
    /// # Errors
    ///
    /// If a code is not an error, that is, not between 400 and 599.
    pub fn with_codes(
        mut self,
        codes: impl IntoIterator<Item = StatusCode>,
    ) -> Result<Self, InvalidRetryPolicy> {
        self.codes = StatusSet::empty();
        for code in codes {
            let is_error = code.is_client_error() || code.is_server_error();
            if !is_error || !self.codes.insert(code) {
                return Err(InvalidRetryPolicy::Code { code });
            }
        }
        Ok(self)
    }

    /// Repeats gRPC calls whose head says that they ended with one of `statuses`, and no longer
    /// those given before.
    ///
    /// The default is `UNAVAILABLE`, with which a server says that it has not handled the call. A
    /// status that comes in the trailers is never a reason: the head has been passed on by then.
    #[must_use]
    pub fn with_grpc_statuses(mut self, statuses: impl IntoIterator<Item = GrpcStatus>) -> Self {
        self.grpc = statuses.into_iter().collect();
        self
    }

    /// Gives a try up for the next one when its response has not begun within `limit`.
    ///
    /// There is no limit by default, and zero is none. The last try has all the time it needs,
    /// as has one after which the body cannot be sent again or the budget is spent: a slow answer
    /// is better than none. A [`BackendRequestTimeoutLayer`](crate::BackendRequestTimeoutLayer)
    /// inside ends every try.
    #[must_use]
    pub fn with_try_timeout(mut self, limit: Duration) -> Self {
        self.try_timeout = Some(limit).filter(|limit| !limit.is_zero());
        self
    }

    /// Pauses up to `backoff` before the first retry, and up to ten times as long
    /// before later ones.
    ///
    /// The default is 25 ms. `HTTPRouteRetry.backoff`.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Duration) -> Self {
        self.backoff = backoff;
        self.cap = backoff.saturating_mul(10);
        self
    }

    /// Pauses up to `backoff` before the first retry, and never longer than `cap`.
    ///
    /// # Errors
    ///
    /// If `cap` is shorter than `backoff`.
    pub fn with_capped_backoff(
        mut self,
        backoff: Duration,
        cap: Duration,
    ) -> Result<Self, InvalidRetryPolicy> {
        if cap < backoff {
            return Err(InvalidRetryPolicy::CapBelowBackoff { backoff, cap });
        }
        self.backoff = backoff;
        self.cap = cap;
        Ok(self)
    }

    /// Keeps at most `limit` bytes of a request's body for retries.
    ///
    /// The default is 64 KiB. With 0, a request with a body is repeated only if
    /// nothing of that was read.
    #[must_use]
    pub const fn with_body_limit(mut self, limit: usize) -> Self {
        self.body_limit = limit;
        self
    }

    /// How many times a try may be repeated.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether an answer with `code` is a reason to retry.
    #[must_use]
    pub fn retries(&self, code: StatusCode) -> bool {
        self.codes.contains(code)
    }

    /// Whether a gRPC call whose head says `status` is a reason to retry.
    #[must_use]
    pub const fn retries_grpc(&self, status: GrpcStatus) -> bool {
        self.grpc.contains(status)
    }

    /// How long a try may take to begin its response, if there may be another one.
    #[must_use]
    pub const fn try_timeout(&self) -> Option<Duration> {
        self.try_timeout
    }

    /// The codes that are retried, from the lowest to the highest.
    pub fn codes(&self) -> impl Iterator<Item = StatusCode> + '_ {
        self.codes.iter()
    }

    /// The longest pause before the first retry.
    #[must_use]
    pub const fn backoff(&self) -> Duration {
        self.backoff
    }

    /// The longest pause before any retry.
    #[must_use]
    pub const fn backoff_cap(&self) -> Duration {
        self.cap
    }

    /// How many bytes of a request's body are kept.
    #[must_use]
    pub const fn body_limit(&self) -> usize {
        self.body_limit
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// A policy that cannot be followed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRetryPolicy {
    /// The code does not stand for an error.
    #[error("{} is not an error code", code.as_str())]
    Code {
        /// As it was given.
        code: StatusCode,
    },
    /// The cap would shorten the first pause.
    #[error("the cap of {cap:?} is below the backoff of {backoff:?}")]
    CapBelowBackoff {
        /// As it was given.
        backoff: Duration,
        /// As it was given.
        cap: Duration,
    },
}
