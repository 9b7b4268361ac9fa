//! Answers preflights and tells browsers which origins may read a response.
//!
//! Implements the Gateway API's `CORS` filter (`HTTPCORSFilter`) of the CORS protocol in the Fetch
//! standard. What may surprise:
//!
//! - A preflight is answered here, with 204, also when its origin is not allowed: then without
//!   any CORS header, which is how a browser learns it.
//! - Other requests are forwarded whatever their origin: CORS protects the reader of a browser,
//!   not the backend.
//! - A response to a request with an `Origin` has exactly the CORS headers that the settings
//!   give it. Those of the backend are dropped, so that there is one policy, not two.
//! - Responses that depend on the origin say so in `Vary`, also those to requests without one;
//!   a cache could give them to a browser otherwise.
//! - With credentials a `*` means nothing to browsers, so what the request names is sent back
//!   in its place.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no origin is allowed |
//! | for each request | a look at the origin; what the response is told, in headers |
//! | misconfigured | an origin, method or header that cannot be is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | the inner call is dropped |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{Cors, CorsLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let cors = Cors::new()
//!     .allow_origin("https://*.shop.example")?
//!     .allow_method("PUT")?;
//!
//! let mut service = ServiceBuilder::new()
//!     .layer(CorsLayer::new(cors))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::from("from the backend")))
//!     }));
//!
//! let preflight = Request::options("/cart")
//!     .header("origin", "https://www.shop.example")
//!     .header("access-control-request-method", "PUT")
//!     .body(())?;
//! let response = service.ready().await?.call(preflight).await?;
//!
//! assert_eq!(response.status(), 204);
//! assert_eq!(response.headers()["access-control-allow-origin"], "https://www.shop.example");
//! assert_eq!(response.headers()["access-control-allow-methods"], "PUT");
//!
//! let foreign = Request::get("/cart").header("origin", "https://evil.example").body(())?;
//! let response = service.ready().await?.call(foreign).await?;
//!
//! assert_eq!(response.body(), "from the backend");
//! assert!(!response.headers().contains_key("access-control-allow-origin"));
//! # Ok(())
//! # }
//! ```

mod error;
mod future;
mod layer;
mod list;
mod origin;
mod request;
mod response;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod vary;

pub use self::error::InvalidCors;
pub use self::future::ResponseFuture;
pub use self::layer::CorsLayer;
pub use self::request::{CorsStep, Preflight};
pub use self::response::CorsResponse;
pub use self::service::CorsService;
pub use self::settings::Cors;

pub(crate) use self::origin::Origins;
