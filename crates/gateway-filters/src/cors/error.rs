//! Why settings cannot be built.

/// CORS settings that no browser could make sense of.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCors {
    /// It is neither `*` nor an origin with scheme `http` or `https`.
    #[error("{origin:?} is not an origin")]
    Origin {
        /// As it was written.
        origin: String,
    },
    /// It is neither `*` nor a method.
    #[error("{method:?} is not a method")]
    Method {
        /// As it was written.
        method: String,
    },
    /// It is neither `*` nor the name of a header.
    #[error("{name:?} is not a header name")]
    Header {
        /// As it was written.
        name: String,
    },
}
