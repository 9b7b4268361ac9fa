//! Datagrams: sessions of clients, services over a session, and the one that
//! forwards.
//!
//! UDP has no connections, so a session is made of what one client sends to one
//! address until nothing moves for a while. A tower service over a [`Session`] sees
//! it to its end and returns a [`Summary`](super::Summary); [`ForwardDatagrams`] is
//! the innermost one. Layers may filter, answer or change datagrams either way; a
//! gateway's builder takes them by name
//! ([`GatewayBuilder::session_layer`](crate::GatewayBuilder::session_layer)).
//!
//! What may surprise:
//!
//! * A session stays with its endpoint, over changes of the configuration too, until
//!   it ends or the endpoint is gone; then another is chosen.
//! * When there are as many sessions as there may be, new clients get none: a flood
//!   of false addresses must not push out those who are served.
//! * Whatever cannot be sent at once is dropped, as on any network.
//! * Replies leave from the address that the client used, also where the listener is
//!   on all of them.
//!
//! # Example
//!
//! A layer that answers `ping` itself:
//!
//! ```
//! use gateway_core::BoxError;
//! use gateway_core::l4::udp::{Burst, Datagrams, ForwardDatagrams, Session};
//! use gateway_core::l4::End;
//! use tokio::net::UdpSocket;
//! use tokio::sync::mpsc;
//! use tower::util::{ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let backend = UdpSocket::bind("127.0.0.1:0").await?;
//! let forward = ForwardDatagrams::to([backend.local_addr()?]);
//! let answering = service_fn(move |session: Session| {
//!     let reply = session.reply_handle();
//!     let session = session.filter_map(move |burst| {
//!         if burst.as_datagrams().iter().eq([b"ping"]) {
//!             reply.reply(Datagrams::one(b"pong"));
//!             return None;
//!         }
//!         Some(burst)
//!     });
//!     forward.clone().oneshot(session)
//! });
//!
//! let (client, incoming) = mpsc::channel(8);
//! let (replies, mut replied) = mpsc::unbounded_channel();
//! let reply = move |datagrams: Datagrams<'_>| drop(replies.send(datagrams.to_burst()));
//! let address = "192.0.2.1:1234".parse()?;
//! let session = Session::new(address, address, incoming, reply);
//! let served = tokio::spawn(answering.oneshot(session));
//!
//! client.send(Burst::one("ping")).await?;
//! assert_eq!(replied.recv().await, Some(Burst::one("pong")));
//!
//! client.send(Burst::one("question")).await?;
//! let mut question = [0; 8];
//! let (_, gateway) = backend.recv_from(&mut question).await?;
//! assert_eq!(&question, b"question");
//! backend.send_to(b"answer", gateway).await?;
//! assert_eq!(replied.recv().await, Some(Burst::one("answer")));
//!
//! drop(client);
//! assert_eq!(served.await??.end, End::Finished);
//! # Ok(())
//! # }
//! ```

mod bind;
mod burst;
mod forward;
mod listen;
mod port;
mod session;
mod sessions;
mod socket;

pub(crate) use self::bind::{UdpSockets, bind};
pub use self::burst::{Burst, Datagrams};
pub use self::forward::{ForwardDatagrams, ForwardDatagramsFuture};
pub(crate) use self::listen::{Listening, receive};
pub(crate) use self::port::{SessionTable, UdpPort};
pub use self::session::{Receive, Reply, Session};

/// Everything that happens to the sessions of a route.
pub type SessionStack = super::Stack<Session>;
