//! Why a path cannot replace another.

/// A path that cannot stand in a URI.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPath {
    /// It is not empty, and does not start with a slash.
    #[error("{path:?} does not start with a slash")]
    NotAbsolute {
        /// As it was written.
        path: String,
    },
    /// It has a character that is not part of a path, such as the start of a query.
    #[error("{path:?} has {character:?}, which must be percent-encoded in a path")]
    Character {
        /// As it was written.
        path: String,
        /// The first such character.
        character: char,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("{path:?} has a percent sign without two hexadecimal digits")]
    Escape {
        /// As it was written.
        path: String,
    },
}
