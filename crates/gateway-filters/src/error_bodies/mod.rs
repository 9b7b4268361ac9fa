//! Gives errors a body that those who see it can make use of.
//!
//! Each [`ErrorBody`] is for one status or a class of them, has a media type and a text with
//! [variables](crate::template). Of those for a status, the most particular count: for exactly
//! this status, then for 4xx or 5xx, then for all errors. Among these the client's `Accept`
//! chooses; if it accepts none, or says nothing, the first is sent.
//!
//! By default only errors that a filter made are given a body, those
//! [marked](crate::AnsweredHere) so; those of backends stay as they are, unless
//! [`with_upstream_errors`](ErrorBodies::with_upstream_errors) says otherwise. The status never
//! changes, nor does a gRPC response, nor the answer to a request for a tunnel. With the body go
//! the headers that were about the old one.
//!
//! What clients wrote is written into HTML and XML with entities, into JSON and scripts with the
//! escapes of a string (between quotes it stays one), and into other text without control
//! characters: nobody can make the gateway send a script.
//!
//! A request costs nothing if no text has variables about it, and otherwise one allocation and
//! one for each such variable, for when there is an error the request is gone. An error costs
//! the text.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no bodies: nothing is changed |
//! | for each request | nothing, or a copy of what the text asks for; an error, the text |
//! | misconfigured | a media type, status or variable that cannot be is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | the copy goes with the future |
//!
//! # Example
//!
//! ```
//! use gateway_filters::error_bodies::{ErrorBody, ErrorStatuses};
//! use gateway_filters::{Answer, DirectResponseLayer, ErrorBodies, ErrorBodiesLayer};
//! use http::{Request, Response};
//! use http_body_util::BodyExt;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let bodies = ErrorBodies::new()
//!     .with_body(ErrorBody::new(ErrorStatuses::All, "text/html", "<h1>%STATUS% %REASON%</h1>")?)
//!     .with_body(ErrorBody::new(
//!         ErrorStatuses::All,
//!         "application/json",
//!         r#"{"status": %STATUS%, "path": "%PATH%"}"#,
//!     )?);
//!
//! let service = ServiceBuilder::new()
//!     .layer(ErrorBodiesLayer::new(bodies))
//!     .layer(DirectResponseLayer::new(Answer::new(503)?))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::new()))
//!     }));
//!
//! let request = Request::get("/cart").header("accept", "application/json").body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.status(), 503);
//! assert_eq!(response.headers()["content-type"], "application/json");
//! let body = response.into_body().collect().await?.to_bytes();
//! assert_eq!(body, r#"{"status": 503, "path": "/cart"}"#);
//! # Ok(())
//! # }
//! ```

mod accept;
mod apply;
mod error;
mod escape;
mod future;
mod layer;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::apply::Remembered;
pub use self::error::InvalidErrorBody;
pub use self::future::ResponseFuture;
pub use self::layer::ErrorBodiesLayer;
pub use self::service::ErrorBodiesService;
pub use self::settings::{ErrorBodies, ErrorBody, ErrorStatuses};
