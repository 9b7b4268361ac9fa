//! Gives every request a name.
//!
//! With it, the lines that a request leaves in many logs can be found. A request that brings one
//! in `x-request-id` keeps it, if it looks like a name: 1 to 128 visible ASCII characters other
//! than quotes and separators, in one line. Otherwise, or when clients are not trusted with it, it gets a new one: a random
//! UUID (RFC 9562, version 4). The backend gets the header, the client gets it back with the
//! response, and layers inside find a [`RequestId`] in the extensions.
//!
//! Names are for finding, not for secrets: they are random, but can be guessed. Making one costs
//! an allocation; keeping one costs none but that of the extension.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | `x-request-id`, kept if the client brings one, and returned |
//! | for each request | two small allocations to make a name, and the extension |
//! | misconfigured | a header that is none is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | the inner call is dropped |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{RequestIdLayer, RequestIds};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(RequestIdLayer::new(RequestIds::new()))
//!     .service(service_fn(|request: Request<()>| async move {
//!         let id = request.headers()["x-request-id"].to_str()?.to_owned();
//!         Ok::<_, BoxError>(Response::new(id))
//!     }));
//!
//! let kept = Request::get("/").header("x-request-id", "from-the-client").body(())?;
//! let response = service.clone().oneshot(kept).await?;
//! assert_eq!(response.body(), "from-the-client");
//!
//! let response = service.oneshot(Request::new(())).await?;
//! assert_eq!(response.body().len(), 36);
//! assert_eq!(response.headers()["x-request-id"], response.body().as_str());
//! # Ok(())
//! # }
//! ```

mod apply;
mod future;
mod layer;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::apply::RequestId;
pub use self::future::ResponseFuture;
pub use self::layer::RequestIdLayer;
pub use self::service::RequestIdService;
pub use self::settings::RequestIds;
