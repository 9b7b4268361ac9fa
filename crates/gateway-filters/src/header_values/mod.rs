//! Sets and adds headers whose values are made of what is known of the request.
//!
//! As the [header modifiers](crate::header_modifier), but `%CLIENT_IP%` and its like in a value
//! stand for something: see the table in [`template`](crate::template). The text is taken apart
//! when the settings are built, and a variable that does not exist is an error then, so that no
//! backend ever sees `%CLIENT-IP%`.
//!
//! Control characters are left out of values, so that nothing a client sends can begin another
//! header. A value of which nothing is left is not sent; and if it was to be set, what the client
//! sent in its name is removed: a backend that reads a header we set reads it from us, or not at
//! all.
//!
//! A request costs two allocations for each value with variables, and one for a response header
//! more: those are written while the request is there to be read. Nothing can fail.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | nothing is written |
//! | for each request | two allocations for each value with variables |
//! | misconfigured | a variable that does not exist, or a header that frames messages, is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | the inner call is dropped |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{HeaderValues, RequestHeaderValuesLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let values = HeaderValues::new().set("x-original-url", "%SCHEME%://%HOST%%PATH%")?;
//! let service = ServiceBuilder::new()
//!     .layer(RequestHeaderValuesLayer::new(values))
//!     .service(service_fn(|request: Request<()>| async move {
//!         let url = request.headers()["x-original-url"].to_str()?.to_owned();
//!         Ok::<_, BoxError>(Response::new(url))
//!     }));
//!
//! let request = Request::get("/cart").header("host", "shop.example").body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.body(), "http://shop.example/cart");
//! assert!(HeaderValues::new().set("x-client", "%CLIENT-IP%").is_err());
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

pub use self::apply::WrittenHeaders;
pub use self::error::InvalidHeaderValues;
pub use self::future::ResponseFuture;
pub use self::layer::{RequestHeaderValuesLayer, ResponseHeaderValuesLayer};
pub use self::service::{RequestHeaderValues, ResponseHeaderValues};
pub use self::settings::HeaderValues;
