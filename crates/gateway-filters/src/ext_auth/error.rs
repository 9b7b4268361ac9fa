//! Why settings cannot be built, and why nothing is known.

use http::{HeaderName, StatusCode};

/// A service that could not be asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidExtAuth {
    /// The header's name is not a token.
    #[error("{name:?} is not a header name")]
    Header {
        /// As it was written.
        name: String,
    },
    /// The header says how a message is sent, or to whom.
    #[error("{name} is not for a configuration to set")]
    Framing {
        /// As it was written.
        name: HeaderName,
    },
}

/// The service that decides has an error of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the authorization service answered {status}")]
pub struct AuthorityFailed {
    /// What it answered with.
    pub status: StatusCode,
}
