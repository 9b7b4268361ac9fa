//! Asks for a key that its holder was given.
//!
//! Keys belong to consumers, and are looked for where the settings say: in headers, query
//! parameters or cookies, in this order. The first of these places that has something in it
//! decides; a key in another place does not make up for a wrong one. More than one value in a
//! place is no key. Without a right key the answer is 401, and without consumers nobody passes.
//!
//! Keys are compared in a time that does not tell how much of one is right, though it may tell
//! their length; every key is compared with, whichever matches. Keys are secrets: they are in no
//! message, and the backend gets the request without them, unless told otherwise, so that they
//! are not in its logs. It finds the consumer's name in a header of your choice; what the
//! client sent in that is removed. Layers inside find [`Consumer`](crate::Consumer) in the
//! extensions.
//!
//! A request costs one comparison for each key there is: this is for hundreds of keys, not for
//! millions.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no keys and no places: nobody passes |
//! | for each request | one comparison for each key |
//! | misconfigured | a name, key or consumer that cannot be is an error when it is built; without a place or a key everybody gets 401 |
//! | overloaded | nothing waits and nothing is shared: the last request costs what the first did |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{ApiKeyLayer, ApiKeys};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let keys = ApiKeys::new()
//!     .in_header("x-api-key")?
//!     .in_query("key")?
//!     .with_key("acme", "k-8d2f")?
//!     .with_consumer_header("x-consumer")?;
//! let service = ServiceBuilder::new()
//!     .layer(ApiKeyLayer::new(keys))
//!     .service(service_fn(|request: Request<()>| async move {
//!         let consumer = request.headers()["x-consumer"].to_str()?;
//!         Ok::<_, BoxError>(Response::new(format!("{consumer} asks for {}", request.uri())))
//!     }));
//!
//! let request = Request::get("/cart?item=1&key=k-8d2f").body(())?;
//! let response = service.clone().oneshot(request).await?;
//! assert_eq!(response.into_body().try_into_inner().as_deref(), Ok("acme asks for /cart?item=1"));
//!
//! let response = service.oneshot(Request::new(())).await?;
//! assert_eq!(response.status(), 401);
//! # Ok(())
//! # }
//! ```

mod check;
mod error;
mod place;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::InvalidApiKeys;
pub use self::settings::ApiKeys;

use crate::guard::{GuardLayer, GuardService};

/// Applies [`ApiKeyService`]. See the [module docs](self) for an example.
pub type ApiKeyLayer = GuardLayer<ApiKeys>;

/// Calls `S` for consumers with a key.
pub type ApiKeyService<S> = GuardService<S, ApiKeys>;
