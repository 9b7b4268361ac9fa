//! Answers every request with what the configuration says.
//!
//! For what has no backend: a page for maintenance, a health check, `robots.txt`, a path that is
//! gone. The service in whose place it stands is never called, nor asked whether it is ready.
//!
//! It costs the headers of the response; the bytes of the body are shared. The request's body is
//! dropped unread. Nothing can fail or wait.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | there is none: the answer is given |
//! | for each request | the headers of the response; the bytes of its body are shared |
//! | misconfigured | an answer that HTTP cannot carry is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{Answer, DirectResponseLayer};
//! use http::{Request, Response};
//! use http_body_util::BodyExt;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let answer = Answer::new(410)?.with_header("x-since", "2020")?.with_text("gone for good");
//! let service = ServiceBuilder::new()
//!     .layer(DirectResponseLayer::new(answer))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::from("never asked")))
//!     }));
//!
//! let response = service.oneshot(Request::new(())).await?;
//!
//! assert_eq!(response.status(), 410);
//! assert_eq!(response.headers()["x-since"], "2020");
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "gone for good");
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod service;
#[cfg(test)]
mod tests;

pub use self::future::ResponseFuture;
pub use self::layer::DirectResponseLayer;
pub use self::service::DirectResponseService;
