//! What is done about connections and sessions besides forwarding them: who may begin
//! one, how often, and how fast its bytes pass.
//!
//! A gateway puts these around its stream routes where
//! [policies](crate::model::StreamPolicy) of a listener or a route ask for them. Layers
//! for your own stacks:
//!
//! | layer | around | does |
//! |---|---|---|
//! | [`EntryLayer`] | connections and sessions | refuses clients by address and by how many come |
//! | [`BandwidthLayer`] | connections | lets so many bytes pass in a second, each direction by itself |
//!
//! What may surprise:
//!
//! * Whoever is refused is told nothing: a connection is reset, datagrams are dropped.
//! * The client is whoever the PROXY protocol says, or else who has connected. An IPv4
//!   address is the same one when it is written as IPv6.
//! * Those that have begun go on when an [`Entry`] changes.
//! * Bytes of a limited connection are copied and never spliced, in both directions.
//! * A gateway asks its entries before it makes a session, and before a TLS handshake
//!   that it would end itself; a layer is asked where it stands.
//!
//! # Example
//!
//! ```
//! use std::net::SocketAddr;
//! use std::sync::Arc;
//!
//! use gateway_core::BoxError;
//! use gateway_core::l4::policy::{BandwidthLayer, Entry, EntryLayer, NoEntry};
//! use gateway_core::l4::{ByteStream, Connection, End, Summary};
//! use gateway_filters::{AccessControl, Bandwidth, CidrSet};
//! use tokio::io::duplex;
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let office = CidrSet::parse(["192.0.2.0/24"])?;
//! let entry = Entry::new().with_access(Arc::new(AccessControl::new().allow_addresses(office)))?;
//! let mut service = ServiceBuilder::new()
//!     .layer(EntryLayer::new(entry))
//!     .layer(BandwidthLayer::new().with_sent(Bandwidth::new(100_000)?))
//!     .service(service_fn(|_: Connection| async {
//!         Ok::<_, BoxError>(Summary::new(0, 0, End::Finished))
//!     }));
//!
//! let from = |client: &str| -> Result<Connection, BoxError> {
//!     let client: SocketAddr = client.parse()?;
//!     Ok(Connection::new(ByteStream::new(duplex(64).0), client, client))
//! };
//! assert!(service.ready().await?.call(from("[::ffff:192.0.2.1]:1234")?).await.is_ok());
//! let error = service.ready().await?.call(from("203.0.113.1:1234")?).await.unwrap_err();
//! assert!(matches!(error.downcast_ref(), Some(NoEntry::Access(_))));
//! # Ok(())
//! # }
//! ```

mod bandwidth;
mod entry;
mod policed;
mod service;
#[cfg(test)]
mod tests;

pub use self::bandwidth::{BandwidthLayer, BandwidthService};
pub(super) use self::entry::takes;
pub use self::entry::{Entry, NoEntry};
pub(crate) use self::policed::Policed;
pub use self::service::{Arriving, EntryFuture, EntryLayer, EntryService};
