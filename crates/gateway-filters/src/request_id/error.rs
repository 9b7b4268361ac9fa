//! Why settings cannot be built.

use http::HeaderName;

/// A header that cannot carry a name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequestIds {
    /// The name of the header is not a token.
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
