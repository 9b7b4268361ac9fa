//! Sets, adds and removes headers of requests and responses.
//!
//! Implements the Gateway API's `RequestHeaderModifier` and `ResponseHeaderModifier` filters.
//! Two things may surprise:
//!
//! - Responses that another layer makes (a redirect, an error page) are edited too, if this
//!   layer is outside of the one that made them.
//! - Only the header map is edited. The authority of an HTTP/2 request is in its URI, so `host`
//!   is better changed by [`UrlRewrite`](crate::UrlRewrite).
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | nothing is changed |
//! | for each request | one insertion or removal for each header; no allocation but for growing the map |
//! | misconfigured | a name or value that HTTP cannot carry is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | the inner call is dropped |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{HeaderModifier, ResponseHeaderModifierLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let modifier = HeaderModifier::new()
//!     .set("x-served-by", "edge-1")?
//!     .remove("server")?;
//!
//! let service = ServiceBuilder::new()
//!     .layer(ResponseHeaderModifierLayer::new(modifier))
//!     .service(service_fn(|_: Request<()>| async {
//!         Response::builder().header("server", "origin").body(())
//!     }));
//!
//! let response = service.oneshot(Request::new(())).await?;
//!
//! assert_eq!(response.headers()["x-served-by"], "edge-1");
//! assert!(!response.headers().contains_key("server"));
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

pub use self::error::InvalidHeaderModifier;
pub use self::future::ResponseFuture;
pub use self::layer::{RequestHeaderModifierLayer, ResponseHeaderModifierLayer};
pub use self::service::{RequestHeaderModifier, ResponseHeaderModifier};
pub use self::settings::HeaderModifier;
