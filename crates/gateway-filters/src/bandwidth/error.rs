//! Why a limit cannot be built.

/// A bandwidth that lets nothing through.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBandwidth {
    /// No byte may pass in a second.
    #[error("no byte may pass in a second")]
    Zero,
    /// No byte may pass at once.
    #[error("no byte may pass at once")]
    ZeroBurst,
}
