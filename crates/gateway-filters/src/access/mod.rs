//! Refuses requests by who sent them and what they ask for.
//!
//! [`AccessControl`] has two parts, and a request has to pass both:
//!
//! 1. **Addresses.** One in the denied set is refused; then, if there is an allowed set, one that
//!    is not in it. The address is that of the client ([`ClientAddress`]) or of the peer.
//! 2. **Rules**, in their order. The first whose conditions all hold decides. If none does, the
//!    request is refused, unless [`AccessControl::otherwise`] says something else. Without rules
//!    there is nothing to decide.
//!
//! By default neither has anything, and every request passes. The Gateway API has no such filter
//! yet.
//!
//! # In doubt it is refused
//!
//! - An address that is not known is in no allowed set, and in every denied one. So where
//!   nobody puts a [`PeerAddress`](crate::client_address::PeerAddress) into the extensions, every
//!   request is refused as soon as addresses matter.
//! - A path can be read in two ways: as it is written, or as a backend may understand it, once
//!   decoded and with `//`, `.`, `..`, `\` and `;parameters` resolved. A rule that denies holds if
//!   either reading matches; one that allows, only if both do.
//! - A backend may resolve some of these and not others, and find a third path. That can be where
//!   `.` or `..` comes with something else to decode or resolve, as in `/x%5Cy/../admin`, and where
//!   parameters come with `\` or an encoded slash. Of such a path a rule that denies holds whatever
//!   path it asks for, and one that allows does not. What is encoded twice is not looked into.
//! - Of a header with several lines, a rule that denies needs one that matches; one that allows
//!   needs all of them to.
//!
//! # What it costs
//!
//! A look-up in each set, and the conditions of as many rules as are looked at. Nothing is
//! allocated, unless a rule has a path and that of the request has something to decode or resolve.
//! [`AccessControl::check_address`] is the first part alone, for connections of which no request
//! was read yet.
//!
//! [`ClientAddress`]: crate::client_address::ClientAddress
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | every request passes |
//! | for each request | a look-up in each set, and the conditions of the rules up to the one that decides; no allocation but for paths that are not plain |
//! | misconfigured | a network or path that cannot be read is an error when it is built; an address that nobody found out is refused |
//! | overloaded | nothing waits and nothing is shared: the last request costs what the first did |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use gateway_filters::access::AccessRule;
//! use gateway_filters::client_address::PeerAddress;
//! use gateway_filters::{AccessControl, AccessLayer, CidrSet};
//! use http::{Method, Request, Response};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let access = AccessControl::new()
//!     .deny_addresses(CidrSet::parse(["203.0.113.0/24"])?)
//!     .rule(AccessRule::deny().on_path_prefix("/admin")?)
//!     .rule(AccessRule::allow().on_method(Method::GET));
//! let mut service = ServiceBuilder::new()
//!     .layer(AccessLayer::new(access))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(Bytes::from("hello")))
//!     }));
//!
//! for (method, path, peer, status) in [
//!     (Method::GET, "/cart", "192.0.2.1", 200),
//!     (Method::GET, "/cart", "203.0.113.1", 403),
//!     (Method::GET, "/cart/%2e%2e/admin/users", "192.0.2.1", 403),
//!     (Method::POST, "/cart", "192.0.2.1", 403),
//! ] {
//!     let request = Request::builder()
//!         .method(method)
//!         .uri(path)
//!         .extension(PeerAddress(peer.parse()?))
//!         .body(())?;
//!     let response = service.ready().await?.call(request).await?;
//!     assert_eq!(response.status(), status);
//! }
//! # Ok(())
//! # }
//! ```

mod apply;
mod error;
mod future;
mod layer;
mod path;
mod rule;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::error::{AccessDenied, InvalidAccessPath};
pub use self::future::ResponseFuture;
pub use self::layer::AccessLayer;
pub use self::rule::{AccessRule, Effect};
pub use self::service::AccessService;
pub use self::settings::{AccessControl, AddressSource};
