//! Why settings cannot be built.

use crate::template::InvalidTemplate;

/// A descriptor that describes nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDescriptor {
    /// The key is empty.
    #[error("an entry has no key")]
    Key,
    /// The value cannot be taken apart.
    #[error("the value of {key:?} cannot be written")]
    Value {
        /// Whose value it is.
        key: String,
        /// Why.
        source: InvalidTemplate,
    },
}
