//! Why nothing is known.

use http::StatusCode;

/// The service that decides has an error of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the authorization service answered {status}")]
pub struct AuthorityFailed {
    /// What it answered with.
    pub status: StatusCode,
}
