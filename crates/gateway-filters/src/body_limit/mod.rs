//! Limits the size of bodies.
//!
//! A request that says in `Content-Length` that it is longer than allowed is answered at once,
//! with 413, and its body is not read. One that does not say it is counted while it passes: at
//! the limit its body fails with [`RequestTooLarge`] for the service inside, and when the service
//! fails in turn the client gets 413. If the service had answered already, its answer stands.
//!
//! A response that says it is longer than allowed is dropped and answered with 502. One that
//! does not say it is counted while it passes; at the limit its body fails with
//! [`ResponseTooLarge`], so that nobody takes a part for the whole.
//!
//! There are no limits by default, and then nothing is counted. With one, a request costs a look
//! at its headers; only bodies of unknown length are counted, for one addition per frame, and a
//! request with such a body costs one small allocation. Bytes are never kept or copied. What
//! passes through a tunnel is no body.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no limits |
//! | for each request | a look at the headers; one addition for each frame of a body that does not say how long it is |
//! | misconfigured | every number is a limit: 0 forbids bodies |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | the inner call is dropped, and with a body the inner one |
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use gateway_filters::{BodyLimit, BodyLimitLayer};
//! use gateway_filters::body_limit::CountedBody;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(BodyLimitLayer::new(BodyLimit::new().with_request(1_000)))
//!     .service(service_fn(|_: Request<CountedBody<Full<Bytes>>>| async {
//!         Ok::<_, BoxError>(Response::new(Full::from("thanks")))
//!     }));
//!
//! let upload = |size| Request::post("/").body(Full::from(vec![0; size]));
//!
//! assert_eq!(service.clone().oneshot(upload(1_000)?).await?.status(), 200);
//! assert_eq!(service.oneshot(upload(1_001)?).await?.status(), 413);
//! # Ok(())
//! # }
//! ```

mod body;
mod error;
mod future;
mod layer;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::body::{CountedBody, Side};
pub use self::error::{RequestTooLarge, ResponseTooLarge};
pub use self::future::ResponseFuture;
pub use self::layer::BodyLimitLayer;
pub use self::service::BodyLimitService;
pub use self::settings::BodyLimit;

pub(crate) use self::settings::{Foreseen, foresee};
