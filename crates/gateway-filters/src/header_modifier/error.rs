//! Why a modifier cannot be built.

use http::HeaderName;

/// A header modifier that HTTP cannot carry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeaderModifier {
    /// The name is not a token.
    #[error("{name:?} is not a header name")]
    Name {
        /// As it was written.
        name: String,
    },
    /// The value has a byte that HTTP forbids.
    #[error("the value of {name} has a forbidden byte")]
    Value {
        /// Whose value it is. The value itself may be a secret.
        name: HeaderName,
    },
}
