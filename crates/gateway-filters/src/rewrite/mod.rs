//! Rewrites the host and path of a request on its way to a backend.
//!
//! Implements the Gateway API's `URLRewrite` filter. The prefix that is replaced comes from the
//! [`RouteContext`](crate::RouteContext) in the request's extensions, where whoever routes puts
//! it. The query is kept.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | nothing is changed |
//! | for each request | the new path, and the host |
//! | misconfigured | a host or path that cannot be is an error when it is built; a request whose URL would become too long fails with `UrlTooLong` |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{PathModifier, RouteContext, UrlRewrite, UrlRewriteLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let rewrite = UrlRewrite::new()
//!     .with_hostname("cart.internal")?
//!     .with_path(PathModifier::replace_prefix_match("/v2")?);
//!
//! let service = ServiceBuilder::new()
//!     .layer(UrlRewriteLayer::new(rewrite))
//!     .service(service_fn(|request: Request<()>| async move {
//!         assert_eq!(request.headers()["host"], "cart.internal");
//!         Ok::<_, BoxError>(Response::new(request.uri().to_string()))
//!     }));
//!
//! let request = Request::get("/cart/items?page=2")
//!     .header("host", "shop.example")
//!     .extension(RouteContext::new().with_matched_prefix("/cart"))
//!     .body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.body(), "/v2/items?page=2");
//! # Ok(())
//! # }
//! ```

mod apply;
mod error;
mod future;
mod layer;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::UrlTooLong;
pub use self::future::ResponseFuture;
pub use self::layer::UrlRewriteLayer;
pub use self::service::UrlRewriteService;
pub use self::settings::UrlRewrite;
