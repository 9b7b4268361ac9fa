//! Finds out who sent a request, when proxies stand in between.
//!
//! What a socket knows is the peer: the client itself, or the last proxy before us. Each proxy
//! writes who it got the request from at the end of `X-Forwarded-For`, so the header is read from
//! its right end, and only as far as those who wrote it are trusted. What stands further left
//! may have been made up by the client, and is never looked at.
//!
//! [`TrustedProxies`] says who is trusted. The right-most address that is not a trusted proxy is
//! the client. By default nobody is trusted, and the client is the peer.
//!
//! | trusted | peer | `X-Forwarded-For` | client |
//! |---|---|---|---|
//! | nobody | 192.0.2.9 | 203.0.113.1 | 192.0.2.9 |
//! | 1 hop | 192.0.2.9 | 6.6.6.6, 203.0.113.1 | 203.0.113.1 |
//! | 2 hops | 192.0.2.9 | 6.6.6.6, 203.0.113.1, 192.0.2.8 | 203.0.113.1 |
//! | 2 hops | 192.0.2.9 | 203.0.113.1 | 192.0.2.9: it came another way |
//! | 2 hops | 192.0.2.9 | 203.0.113.1, unknown | 192.0.2.9: the second hop does not say |
//! | 192.0.2.0/24 | 192.0.2.9 | 6.6.6.6, 203.0.113.1, 192.0.2.8 | 203.0.113.1 |
//! | 192.0.2.0/24 | 203.0.113.7 | 6.6.6.6 | 203.0.113.7: it is no proxy of ours |
//! | 192.0.2.0/24 | 192.0.2.9 | 192.0.2.7, 192.0.2.8 | 192.0.2.7: all are ours |
//!
//! A hop is a proxy, and the peer is the first of them. Counting hops is only as good as the
//! promise that every request comes through all of them: who reaches us directly can write as
//! many entries as were promised. Networks are checked against what really connects, and are
//! better where the proxies' addresses are known.
//!
//! The layer reads [`PeerAddress`] from the request's extensions, where whoever accepts
//! connections has to put it (with the PROXY protocol, the address that tells), and adds
//! [`ClientAddress`], once; other layers read that. Without a peer nothing is known and nothing
//! is added: what must know the client then refuses. A request costs one insertion into its
//! extensions, and a walk over as many entries as are trusted. Nothing is allocated for those.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | nobody is trusted: the client is the peer |
//! | for each request | a walk over as many entries as are trusted, and one insertion |
//! | misconfigured | networks are checked when they are read; too many hops find the peer, too few a proxy |
//! | overloaded | nothing waits and nothing is shared |
//! | dropped half-way | nothing is kept of a request |
//!
//! # Example
//!
//! ```
//! use gateway_filters::client_address::{ClientAddress, PeerAddress, TrustedProxies};
//! use gateway_filters::{CidrSet, ClientAddressLayer};
//! use http::{Request, Response};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let proxies = TrustedProxies::networks(CidrSet::parse(["192.0.2.0/24"])?);
//! let service = ServiceBuilder::new()
//!     .layer(ClientAddressLayer::new(proxies))
//!     .service(service_fn(|request: Request<()>| async move {
//!         Ok::<_, BoxError>(Response::new(ClientAddress::of(request.extensions())))
//!     }));
//!
//! let request = Request::get("/")
//!     .header("x-forwarded-for", "6.6.6.6, 203.0.113.1, 192.0.2.8")
//!     .extension(PeerAddress("192.0.2.9".parse()?))
//!     .body(())?;
//! let response = service.oneshot(request).await?;
//!
//! assert_eq!(response.into_body(), Some("203.0.113.1".parse()?));
//! # Ok(())
//! # }
//! ```

mod address;
mod apply;
mod layer;
mod service;
mod settings;
#[cfg(test)]
mod tests;

pub use self::address::{ClientAddress, PeerAddress};
pub use self::layer::ClientAddressLayer;
pub use self::service::ClientAddressService;
pub use self::settings::TrustedProxies;
