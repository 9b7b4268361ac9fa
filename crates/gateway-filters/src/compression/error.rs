//! Why settings cannot be built.

/// A compression that compresses nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCompression {
    /// There is no coding to choose.
    #[error("there is no coding")]
    NoCoding,
    /// It is none of `type/subtype`, `type/*` and `*/*+suffix`.
    #[error("{pattern:?} is not a pattern of media types")]
    ContentType {
        /// As it was written.
        pattern: String,
    },
}
