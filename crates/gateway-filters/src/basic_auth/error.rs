//! Why settings cannot be built.

/// Users that could not be asked for, or not told apart.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBasicAuth {
    /// The realm has a character that would end it.
    #[error("{realm:?} is not a realm")]
    Realm {
        /// As it was written.
        realm: String,
    },
    /// The name is empty, or has a colon or a control character.
    #[error("{name:?} is not the name of a user")]
    Name {
        /// As it was written.
        name: String,
    },
    /// The name is there already.
    #[error("there are two users {name:?}")]
    Twice {
        /// As it was written.
        name: String,
    },
    /// The header's name is not a token.
    #[error("{name:?} is not a header name")]
    Header {
        /// As it was written.
        name: String,
    },
    /// The line is not `name:password`.
    #[error("line {line} is not a name and a password")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// The password is hashed in a way that is not read.
    #[error("the password on line {line} is hashed in a way that is not known")]
    Hash {
        /// Counted from 1.
        line: usize,
    },
}
