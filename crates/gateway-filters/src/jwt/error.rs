//! Why settings cannot be built, or keys not fetched.

use crate::BoxError;
use crate::framing::InvalidHeaderName;

/// Settings that name something that HTTP cannot carry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJwt {
    /// The name of a header.
    #[error(transparent)]
    HeaderName(#[from] InvalidHeaderName),
    /// There is no claim with this name.
    #[error("the path to a claim is empty")]
    Claim,
}

/// A key set that is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJwks {
    /// It is not JSON with a list of keys.
    #[error("it is not a JSON Web Key Set")]
    Syntax,
    /// None of its keys is one that can be used.
    #[error("no key in it can be used")]
    NoKeys,
}

/// A key set could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwksNotFetched {
    /// The client failed, or the body of the response.
    #[error("the keys could not be fetched")]
    Client(#[source] BoxError),
    /// The server did not answer with 200.
    #[error("the server of the keys answered {status}")]
    Status {
        /// What it answered with.
        status: http::StatusCode,
    },
    /// It took too long.
    #[error("the keys were not there in time")]
    TimedOut,
    /// The response is too long.
    #[error("the keys are longer than {limit} bytes")]
    TooLong {
        /// What is allowed.
        limit: usize,
    },
    /// The response is no key set.
    #[error("the keys cannot be read")]
    Unreadable(#[source] InvalidJwks),
}
