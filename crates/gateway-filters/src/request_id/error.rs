//! Why settings cannot be built.

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
}
