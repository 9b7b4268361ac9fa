//! Why a request cannot be rewritten.

/// The rewritten path and query would be longer than a URI can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the rewritten URL is too long")]
pub struct UrlTooLong;
