//! What a timeout raises.

use std::error::Error;
use std::time::Duration;

/// The exchange took longer than `HTTPRouteTimeouts.request` allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("request took longer than {after:?}")]
pub struct RequestTimedOut {
    /// The limit that was exceeded.
    pub after: Duration,
}

/// One try at a backend took longer than `HTTPRouteTimeouts.backendRequest` allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("backend took longer than {after:?}")]
pub struct BackendRequestTimedOut {
    /// The limit that was exceeded.
    pub after: Duration,
}

/// An error that says how long was too long.
///
/// It is the only thing in which the two timeouts differ. Implement it to have a
/// timeout of your own, told apart by its error.
pub trait TimedOut: Error + Send + Sync + 'static {
    /// The error for a limit of `limit`.
    fn after(limit: Duration) -> Self;
}

impl TimedOut for RequestTimedOut {
    fn after(limit: Duration) -> Self {
        Self { after: limit }
    }
}

impl TimedOut for BackendRequestTimedOut {
    fn after(limit: Duration) -> Self {
        Self { after: limit }
    }
}
