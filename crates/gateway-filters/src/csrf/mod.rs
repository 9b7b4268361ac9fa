//! Refuses requests that another site's page made a browser send.
//!
//! A browser sends cookies with a form that any page has it post. What such a page cannot do is
//! lie about itself: browsers say in `Sec-Fetch-Site` (Fetch Metadata) and in `Origin` where a
//! request comes from. So a request passes if
//!
//! * its method is safe: GET, HEAD, OPTIONS or TRACE, which change nothing (RFC 9110, section
//!   9.2.1) if the backend keeps to that;
//! * or its `Origin` is among the trusted ones;
//! * or `Sec-Fetch-Site` says `same-origin`, or `none`: the user typed the address;
//! * or, from browsers that do not say so, `Origin` has the host and port that is asked for;
//! * or there is neither header: no browser of the last years sent it.
//!
//! Everything else gets 403, as do requests with two such headers. No token has to be put into
//! forms, and nothing is kept. A request costs a look at two headers.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | no other site is trusted |
//! | for each request | a look at two headers |
//! | misconfigured | an origin that is none, or everybody, is an error when it is built |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use gateway_filters::{Csrf, CsrfLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let csrf = Csrf::new().with_trusted_origin("https://partner.example")?;
//! let service = ServiceBuilder::new()
//!     .layer(CsrfLayer::new(csrf))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(String::new()))
//!     }));
//! let post = |origin| {
//!     Request::post("/order").header("sec-fetch-site", "cross-site").header("origin", origin).body(())
//! };
//!
//! let response = service.clone().oneshot(post("https://partner.example")?).await?;
//! assert_eq!(response.status(), 200);
//!
//! let response = service.oneshot(post("https://evil.example")?).await?;
//! assert_eq!(response.status(), 403);
//! # Ok(())
//! # }
//! ```

mod check;
mod settings;
#[cfg(test)]
mod tests;

pub use self::settings::{Csrf, InvalidTrustedOrigin};

use crate::guard::{GuardLayer, GuardService};

/// Applies [`CsrfService`]. See the [module docs](self) for an example.
pub type CsrfLayer = GuardLayer<Csrf>;

/// Calls `S` for what no other site's page has sent.
pub type CsrfService<S> = GuardService<S, Csrf>;
