//! Sends a request again when a backend could not answer it.
//!
//! Implements the Gateway API's `HTTPRouteRetry` (GEP-1731). A try is repeated,
//! while [`RetryPolicy`] has attempts left,
//!
//! * always, if the backend cannot have seen it: an error that is
//!   [`FailedTry::Unsent`];
//! * if the status that answers it, or would answer its error, is among the
//!   policy's codes;
//! * if a gRPC answer says in its head that the call ended with one of the
//!   policy's gRPC statuses: `UNAVAILABLE`, unless told otherwise;
//! * if its response has not begun within
//!   [`with_try_timeout`](RetryPolicy::with_try_timeout), if there is such a limit.
//!
//! Otherwise, and when the attempts are used up, the caller gets what the last
//! try gave: the response of the backend or the error of the inner service. A
//! response that was handed over is never taken back: what goes wrong in its body
//! stays wrong. Requests for a tunnel (CONNECT, `Connection: upgrade`) are
//! repeated only if they were not sent.
//!
//! # The body
//!
//! The inner service gets a [`ReplayBody`], which streams: the first try sees
//! every frame as it arrives. What it read is kept, up to
//! [`RetryPolicy::with_body_limit`], for the try after it; that one reads what was
//! kept and goes on with the rest. A body longer than the limit is sent as it
//! should be, but a request is not repeated once it has been read so far. The body
//! of a try that was given up fails when it is read further.
//!
//! A request without body keeps nothing, and with no attempts nothing is cloned.
//!
//! # Storms
//!
//! Retries are least welcome when everything fails. A [`RetryBudget`] limits them, over all
//! requests together, to a share of what clients ask for; beyond it, tries are not repeated,
//! though the policy would. Each layer has one, with defaults, until layers share one by
//! [`RetryLayer::with_budget`]; a backend that has one of its own has requests
//! [charged](TriedEndpoints::charge) to it.
//!
//! # Another endpoint
//!
//! Each try carries [`TriedEndpoints`], in which whoever chooses an endpoint notes it; and each
//! after the first its number, [`RetryAttempt`].
//!
//! # Pauses
//!
//! Before each retry there is a pause of random length between nothing and a
//! bound (*full jitter*), so that clients that failed together do not return
//! together. The bound is the policy's backoff at first, doubles with every
//! retry, and stops at the cap.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | one retry, of what was not sent or gRPC calls `UNAVAILABLE`; for one request in five, or three a second; 64 KiB of a body |
//! | for each request | a copy of the head and a clone of the service; with a body, what is kept of it. With no attempts, nothing |
//! | misconfigured | codes that are no errors, or a cap below the backoff, are an error when it is built |
//! | overloaded | beyond the budget nothing is repeated, and the caller gets what there is |
//! | dropped half-way | the try under way is dropped, and none follows |
//!
//! # Example
//!
//! ```
//! use gateway_filters::retry::{FailedTry, ReplayBody, RetryAttempt};
//! use gateway_filters::{RetryLayer, RetryPolicy};
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! type Body = Full<bytes::Bytes>;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let policy = RetryPolicy::new()
//!     .with_codes([StatusCode::BAD_GATEWAY])?
//!     .with_attempts(2);
//!
//! let service = ServiceBuilder::new()
//!     .layer(RetryLayer::new(policy, |_: &BoxError| FailedTry::Final))
//!     .service(service_fn(|request: Request<ReplayBody<Body>>| async {
//!         let retried = request.extensions().get::<RetryAttempt>().is_some();
//!         let body = request.into_body().collect().await?.to_bytes();
//!         let status = if retried { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
//!         Ok::<_, BoxError>(Response::builder().status(status).body(body)?)
//!     }));
//!
//! let response = service.oneshot(Request::new(Body::from("hello"))).await?;
//!
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(response.body(), "hello");
//! # Ok(())
//! # }
//! ```

mod backoff;
mod body;
mod budget;
mod classify;
mod endpoints;
mod future;
mod layer;
mod origin;
mod plan;
mod policy;
mod service;
mod shared;
#[cfg(test)]
mod tests;

pub use self::body::{ReplayBody, TryGivenUp};
pub use self::budget::{RetryBudget, SharedRetryBudget};
pub use self::classify::FailedTry;
pub use self::endpoints::TriedEndpoints;
pub use self::future::ResponseFuture;
pub use self::layer::RetryLayer;
pub use self::plan::RetryAttempt;
pub use self::policy::{InvalidRetryPolicy, RetryPolicy};
pub use self::service::Retry;

pub(crate) use self::origin::Origin;
