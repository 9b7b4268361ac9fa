//! Why a text cannot be taken apart.

/// A text with variables that cannot be filled in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTemplate {
    /// There is no such variable, or not in this place.
    #[error("there is no variable {name:?} here")]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// A percent sign opens a variable that does not end.
    #[error("the variable {rest:?} does not end")]
    Unended {
        /// What follows the percent sign.
        rest: String,
    },
    /// What is in the parentheses is not the name of a header.
    #[error("{name:?} is not a header name")]
    Header {
        /// As it was written.
        name: String,
    },
    /// The text itself has a byte that a header's value must not have.
    #[error("the text has a forbidden byte")]
    Byte,
}
