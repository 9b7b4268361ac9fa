//! Answers with a redirect.
//!
//! Implements the Gateway API's `RequestRedirect` filter. Three things may surprise:
//!
//! - The redirected URL is made of what the client asked for, and of the scheme, port and prefix
//!   that the [`RouteContext`](crate::RouteContext) in the request's extensions tells. Whoever
//!   routes should put it there; behind TLS the scheme is not known otherwise.
//! - Every request is answered, also one that asks for the very URL it would be redirected to.
//!   The service inside is never called; it only says what bodies look like.
//! - Without a `hostname` of its own the redirect trusts the request's host. Put the layer where
//!   only known hosts arrive.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | 302 to the URL that was asked for |
//! | for each request | the URL, and a header |
//! | misconfigured | a host or path that cannot be is an error when it is built; a request that does not say which host it is for fails with `UnknownHost` |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{PathModifier, Redirect, RedirectLayer, RouteContext, Scheme};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let redirect = Redirect::new()
//!     .with_scheme(Scheme::Https)
//!     .with_path(PathModifier::replace_prefix_match("/new")?);
//!
//! let service = ServiceBuilder::new()
//!     .layer(RedirectLayer::new(redirect))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::from("never reached")))
//!     }));
//!
//! let request = Request::get("/old/shoes?size=9")
//!     .header("host", "shop.example:8080")
//!     .extension(RouteContext::new().with_matched_prefix("/old"))
//!     .body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.status(), 302);
//! assert_eq!(response.headers()["location"], "https://shop.example/new/shoes?size=9");
//! # Ok(())
//! # }
//! ```

mod error;
mod future;
mod layer;
mod location;
mod service;
mod settings;
mod status;
#[cfg(test)]
mod tests;

pub use self::error::UnknownHost;
pub use self::future::ResponseFuture;
pub use self::layer::RedirectLayer;
pub use self::service::RedirectService;
pub use self::settings::Redirect;
pub use self::status::{InvalidRedirectStatus, RedirectStatus};
