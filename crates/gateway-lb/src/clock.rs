//! What time it is.

use std::time::Instant;

/// Now, on the clock of tokio where there is one, so that tests can pause it.
#[cfg(feature = "pool")]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Now.
#[cfg(not(feature = "pool"))]
#[allow(
    clippy::disallowed_methods,
    reason = "without tokio there is no clock to pause"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
