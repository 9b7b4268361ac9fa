//! Why a breaker cannot be built.

use std::time::Duration;

use http::StatusCode;

/// A circuit breaker that could not work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCircuitBreaker {
    /// Its tenths could not be told apart.
    #[error("a window of {window:?} is shorter than 10ms")]
    Window {
        /// As it was given.
        window: Duration,
    },
    /// It would open and let the next call pass.
    #[error("open for {open_for:?} is shorter than 1ms")]
    OpenFor {
        /// As it was given.
        open_for: Duration,
    },
    /// No response has this status.
    #[error("{} is not the status of a response", status.as_str())]
    Status {
        /// As it was given.
        status: StatusCode,
    },
}
