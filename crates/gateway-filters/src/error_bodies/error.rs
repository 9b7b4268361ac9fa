//! Why a body cannot be built.

use http::StatusCode;

use crate::template::InvalidTemplate;

/// A body that cannot be sent.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidErrorBody {
    /// It is not a type and a subtype.
    #[error("{content_type:?} is not a media type")]
    ContentType {
        /// As it was written.
        content_type: String,
    },
    /// The status is no error.
    #[error("{} is not an error", status.as_str())]
    Status {
        /// As it was given.
        status: StatusCode,
    },
    /// The text cannot be taken apart.
    #[error("the text cannot be written")]
    Text {
        /// Why.
        source: InvalidTemplate,
    },
}
