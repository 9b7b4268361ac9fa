//! Why settings cannot be built.

use http::HeaderName;

use crate::template::InvalidTemplate;

/// A header that cannot be written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeaderValues {
    /// The name is not a token.
    #[error("{name:?} is not a header name")]
    Name {
        /// As it was written.
        name: String,
    },
    /// The header says how long the message is or how it is sent, which only the server knows.
    #[error("{name} is not for a configuration to set")]
    Framing {
        /// As it was written.
        name: HeaderName,
    },
    /// The value cannot be taken apart.
    #[error("the value of {name} cannot be written")]
    Value {
        /// Whose value it is.
        name: HeaderName,
        /// Why.
        source: InvalidTemplate,
    },
}
