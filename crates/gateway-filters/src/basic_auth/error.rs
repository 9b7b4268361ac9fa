//! Why settings cannot be built.

use crate::framing::InvalidHeaderName;

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
    /// The name of a header.
    #[error(transparent)]
    HeaderName(#[from] InvalidHeaderName),
    /// The line is not `name:password`.
    #[error("line {line} is not a name and a password")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// What stands for the password cannot be used.
    #[cfg(feature = "htpasswd")]
    #[error("the password on line {line} cannot be used")]
    Hash {
        /// Counted from 1.
        line: usize,
        /// Why not.
        source: InvalidHash,
    },
}

/// What stands for a password and cannot be used.
#[cfg(feature = "htpasswd")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHash {
    /// It is hashed in a way that is not read, or not at all.
    #[error("it is hashed in a way that is not known")]
    Unknown,
    /// Checking it would take too long, or no time at all.
    #[cfg(feature = "bcrypt")]
    #[error("its cost is {cost}, and may be from 4 to 12")]
    Cost {
        /// As it was written.
        cost: u32,
    },
}
