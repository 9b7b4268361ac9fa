//! Connections that are not HTTP: services over a connection, and the one that
//! forwards.
//!
//! A tower service over a connection takes a [`Connection`], sees it to its end and
//! returns a [`Summary`]. [`Forward`] is the innermost one: it chooses a backend by
//! weight and one of its endpoints, connects, and relays bytes both ways. Layers
//! around it may read what a client begins with, wrap its stream, send it elsewhere
//! or refuse it. A gateway's builder takes them by name
//! ([`GatewayBuilder::connection_layer`](crate::GatewayBuilder::connection_layer)),
//! and a [`StreamRoute`](crate::model::StreamRoute) says which it wants.
//!
//! [`policy`] has layers for who may connect, and how fast bytes pass.
//!
//! What may surprise:
//!
//! * Nothing waits for the client to speak: the backend may begin.
//! * Each direction ends by itself, as in TCP.
//! * What breaks off never looks finished: if one side is reset, so is the other,
//!   and a connection that cannot be forwarded is reset.
//!
//! # Example
//!
//! A layer that lets only those in who begin with `HELLO`:
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use gateway_core::BoxError;
//! use gateway_core::l4::{ByteStream, Connection, Forward};
//! use gateway_core::model::StreamTimeouts;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
//! use tokio::net::TcpListener;
//! use tower::util::{ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let backend = TcpListener::bind("127.0.0.1:0").await?;
//! let forward = Forward::to([backend.local_addr()?], StreamTimeouts::default());
//! let polite_only = service_fn(move |mut connection: Connection| {
//!     let forward = forward.clone();
//!     async move {
//!         while connection.ahead().len() < 5 && connection.read_ahead().await? > 0 {}
//!         if !connection.ahead().starts_with(b"HELLO") {
//!             return Err(BoxError::from("not polite"));
//!         }
//!         // What was read ahead is not lost: it is forwarded first.
//!         forward.oneshot(connection).await
//!     }
//! });
//!
//! let (mut client, gateway) = duplex(1024);
//! let address = SocketAddr::from(([192, 0, 2, 1], 1234));
//! let connection = Connection::new(ByteStream::new(gateway), address, address);
//! let proxied = tokio::spawn(polite_only.oneshot(connection));
//!
//! client.write_all(b"HELLO world").await?;
//! client.shutdown().await?;
//! let (mut accepted, _) = backend.accept().await?;
//! let mut heard = String::new();
//! accepted.read_to_string(&mut heard).await?;
//! assert_eq!(heard, "HELLO world");
//!
//! accepted.write_all(b"bye").await?;
//! drop(accepted);
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//! assert_eq!(answer, "bye");
//!
//! let summary = proxied.await??;
//! assert_eq!((summary.received, summary.sent), (11, 3));
//! # Ok(())
//! # }
//! ```

mod assemble;
mod connection;
mod dial;
mod forward;
mod gate;
mod layers;
mod limits;
pub mod policy;
pub mod proxy_protocol;
mod relay;
mod serve;
mod stack;
mod stream;
mod summary;
mod table;
pub mod udp;

pub use self::connection::Connection;
pub use self::forward::{Forward, ForwardFuture, NotForwarded};
pub(crate) use self::gate::Gate;
pub(crate) use self::layers::StreamLayers;
pub(crate) use self::limits::Permit;
pub(crate) use self::policy::Policed;
pub(crate) use self::proxy_protocol::Addresses;
pub(crate) use self::serve::{forward, serve};
pub use self::stack::{ConnectionStack, Stack, StackFuture};
pub use self::stream::ByteStream;
pub use self::summary::{End, Summary};
pub(crate) use self::table::StreamTable;
