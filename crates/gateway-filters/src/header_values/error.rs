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
    /// The value cannot be taken apart.
    #[error("the value of {name} cannot be written")]
    Value {
        /// Whose value it is.
        name: HeaderName,
        /// Why.
        source: InvalidTemplate,
    },
}
