//! Why a fault cannot be built.

use std::time::Duration;

/// A fault that cannot be injected.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFault {
    /// The shortest delay is longer than the longest.
    #[error("no delay is between {min:?} and {max:?}")]
    Delay {
        /// As it was written.
        min: Duration,
        /// As it was written.
        max: Duration,
    },
}
