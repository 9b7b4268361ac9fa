//! Why settings cannot be built.

use crate::framing::InvalidHeaderName;

/// Keys that could not be looked for, or not told apart.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiKeys {
    /// The name of a header.
    #[error(transparent)]
    HeaderName(#[from] InvalidHeaderName),
    /// The name of the parameter is empty.
    #[error("a query parameter has no name")]
    Query,
    /// The cookie's name is not a token.
    #[error("{name:?} is not the name of a cookie")]
    Cookie {
        /// As it was written.
        name: String,
    },
    /// The name has a control character, or is empty.
    #[error("{name:?} is not the name of a consumer")]
    Consumer {
        /// As it was written.
        name: String,
    },
    /// A key of this consumer is empty.
    #[error("a key of {consumer} is empty")]
    Empty {
        /// Whose key it is.
        consumer: String,
    },
    /// Two consumers have the same key.
    #[error("{consumer} has a key of {other}")]
    Shared {
        /// Whose key was given last.
        consumer: String,
        /// Whose it is already.
        other: String,
    },
}
