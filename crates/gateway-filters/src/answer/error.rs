//! Why an answer cannot be built.

use http::{HeaderName, StatusCode};

/// A response that HTTP cannot carry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswer {
    /// The name is not a token.
    #[error("{name:?} is not a header name")]
    Name {
        /// As it was written.
        name: String,
    },
    /// The value has a byte that HTTP forbids.
    #[error("the value of {name} has a forbidden byte")]
    Value {
        /// Whose value it is. The value itself may be a secret.
        name: HeaderName,
    },
    /// The header says how long the message is or how it is sent, which only the server knows.
    #[error("{name} is not for a configuration to set")]
    Framing {
        /// As it was written.
        name: HeaderName,
    },
    /// Responses with this status end with their head (RFC 9110, section 6.4.1).
    #[error("a response {} has no body", status.as_str())]
    NoBody {
        /// As it was given.
        status: StatusCode,
    },
    /// The status does not end an exchange.
    #[error("{} does not end an exchange", status.as_str())]
    Interim {
        /// As it was given.
        status: StatusCode,
    },
}
