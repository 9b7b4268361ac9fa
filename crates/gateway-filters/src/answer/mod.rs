//! A response that is not a backend's: a refusal, or an answer that somebody wrote down.
//!
//! Filters that may refuse a request have a setting of this type for what the client is told. It
//! is checked when it is built and shared by all responses made from it, so that refusing costs
//! less than forwarding: one header map, and no copy of the body.
//!
//! ```
//! use gateway_filters::Answer;
//! use http::StatusCode;
//!
//! let answer = Answer::new(StatusCode::SERVICE_UNAVAILABLE)?
//!     .with_header("retry-after", "5")?
//!     .with_text("try again later")?;
//!
//! let response: http::Response<bytes::Bytes> = answer.response();
//!
//! assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
//! assert_eq!(response.body(), "try again later");
//! # Ok::<(), gateway_filters::answer::InvalidAnswer>(())
//! ```
//!
//! A service that answers for another one gives an [`AnswerBody`]: the other's body, or bytes.

mod body;
mod error;
mod settings;
#[cfg(test)]
mod tests;

pub use self::body::AnswerBody;
pub use self::error::InvalidAnswer;
pub use self::settings::{Answer, AnsweredHere};
