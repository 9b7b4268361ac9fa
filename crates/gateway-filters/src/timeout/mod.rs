//! Limits how long an exchange with a client, or one try at a backend, may take.
//!
//! Implements the Gateway API's `HTTPRouteTimeouts`. Its two fields are two
//! layers on one mechanism:
//!
//! | field | layer | where it stands | raises |
//! |---|---|---|---|
//! | `request` | [`RequestTimeoutLayer`] | outside the retries | [`RequestTimedOut`] |
//! | `backendRequest` | [`BackendRequestTimeoutLayer`] | inside the retries | [`BackendRequestTimedOut`] |
//!
//! Either counts from the call to the last byte of the response's body: head and
//! body share one deadline. When it passes before the head is there, the call
//! fails; when it passes later, the body ends in the error, never cleanly, so
//! that nobody takes half an answer for a whole one. The time a service takes to
//! become ready is not counted.
//!
//! A limit that is absent or zero is no limit. A stack may therefore hold the
//! layer always: without a limit it reads no clock, arms no timer, allocates
//! nothing and adds one branch per call and per frame. With a limit, the timer is
//! armed only once something really waits.
//!
//! What passes through a tunnel after `101 Switching Protocols` or a CONNECT is no
//! part of the exchange, and has no deadline.
//!
//! The deadline is looked at when the future or body is polled, and a timer wakes
//! whoever waits for the backend. Someone who has a frame and does not ask for
//! the next, as a server does while its client reads nothing, hears of it on
//! asking.
//!
//! A tokio runtime with its timer on must be there when the inner service waits.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no limit |
//! | for each request | a look at the clock; an allocation and a timer once something waits |
//! | misconfigured | a limit of zero is none, and so is one that no clock can count |
//! | overloaded | nothing waits for another, and nothing is shared |
//! | dropped half-way | the inner call and the timer are dropped |
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use gateway_filters::RequestTimeoutLayer;
//! use gateway_filters::timeout::RequestTimedOut;
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let service = ServiceBuilder::new()
//!     .layer(RequestTimeoutLayer::new(Duration::from_millis(5)))
//!     .service(service_fn(|_: Request<String>| async {
//!         std::future::pending::<Result<Response<String>, BoxError>>().await
//!     }));
//!
//! let error = service
//!     .oneshot(Request::new(String::new()))
//!     .await
//!     .expect_err("nobody answers");
//!
//! assert!(error.is::<RequestTimedOut>());
//! # }
//! ```

mod body;
mod deadline;
mod error;
mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use self::body::TimeoutBody;
pub use self::error::{BackendRequestTimedOut, RequestTimedOut, TimedOut};
pub use self::future::ResponseFuture;
pub use self::layer::{BackendRequestTimeoutLayer, RequestTimeoutLayer, TimeoutLayer};
pub use self::service::{BackendRequestTimeout, RequestTimeout, Timeout};
