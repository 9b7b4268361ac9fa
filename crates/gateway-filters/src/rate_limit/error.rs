//! Why a limit cannot be built.

use std::time::Duration;

/// A rate limit that cannot be kept.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRateLimit {
    /// The quota or the burst is zero, or above 16,777,215.
    #[error(
        "{requests} is not a number of requests between 1 and {}",
        super::quota::MOST
    )]
    Requests {
        /// As it was written.
        requests: u32,
    },
    /// The window is shorter than a millisecond, or longer than 366 days.
    #[error("{window:?} is not between a millisecond and 366 days")]
    Window {
        /// As it was written.
        window: Duration,
    },
    /// The bucket would need more than 366 days to fill up.
    #[error("a burst of {burst} takes longer than 366 days to come back")]
    Burst {
        /// As it was written.
        burst: u32,
    },
    /// There is room for no key at all.
    #[error("there is room for no key")]
    NoKeys,
}
