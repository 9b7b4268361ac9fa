//! Connections to endpoints, kept for the next request.
//!
//! A [`Pool`] sends a request to an address and gives back the response. Which
//! address is somebody else's decision. Each thread has connections of its own, so no
//! lock is taken and no other core's memory is touched on the way. On HTTP/1 the
//! request's own future and body drive the connection: there is no task for each
//! connection, no channel between tasks, and no timer except while dialling.
//!
//! # What is done for the caller
//!
//! * A request that found its kept connection closed, and of which nothing was
//!   written, is sent on another. One that may have been seen is never sent twice.
//! * Message framing is made unambiguous both ways: the request's length is what its
//!   body says, and a response with two lengths, or a transfer coding other than
//!   `chunked`, is refused. So is one whose lines do not end in CR LF.
//! * Fields of an HTTP/1 response that are about its connection alone, such as
//!   `connection: keep-alive`, are obeyed and removed. If `connection` names other
//!   fields, or in a switch of protocols, they stay for the caller to see.
//! * Trailers go both ways, where the message is chunked or HTTP/2. Those of a request
//!   that frame or route it stay behind.
//! * Informational responses (1xx) are dropped. On HTTP/1 they count towards the
//!   limit of the response head; on HTTP/2 there is no such bound.
//!
//! # What is left to the caller
//!
//! * The request's target is a path and query. HTTP/1 needs a `Host` field; HTTP/2
//!   takes its authority from there. Fields that belong to the client's connection
//!   (RFC 9110 section 7.6.1) are removed, except `connection` and `upgrade` for a
//!   switch of protocols that is allowed.
//! * Bodies say what they know of their length. One of unknown length is sent in chunks,
//!   even if it then turns out to be empty.
//! * `expect: 100-continue`. The body is sent without waiting for the answer.
//! * Deadlines beyond the dial timeout, retries, and counting of requests; connections
//!   are counted ([`Pool::counts`]).
//! * `CONNECT` is not supported, except that a switch to WebSocket is the extended CONNECT
//!   of RFC 8441 on HTTP/2. The caller sees a switch of protocols on either.
//!
//! # Cost
//!
//! A request on a kept HTTP/1 connection looks it up in a map of its thread, and puts it back. On
//! HTTP/2 it passes a channel to the task that drives the connection, on the same thread. Where
//! connections are limited it takes a lock twice, for some comparisons. Idle connections cost a
//! [sweep](Pool::sweep) each second or so.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | what suits a gateway in front of its own network: each setting of [`PoolSettings`] names it |
//! | for each request | on a kept connection, as above; otherwise it is opened first |
//! | misconfigured | settings have a least value where less could not work |
//! | not answered | endpoints that do not answer are not told from those that take long: without a deadline of the caller a request waits; only dialling, and HTTP/2 pings, have one |
//! | overloaded | requests fail only where connections are limited; elsewhere there is one more HTTP/1 connection for each, and HTTP/2 streams beyond what a few connections take wait, without an end to their number or their patience |
//! | dropped half-way | it ends at the backend too: see [`SendFuture`] and [`UpstreamBody`] |
//!
//! # Connections that are limited
//!
//! The connections of a [`Destination`] can be set [apart](Connections) from those of all
//! others. Then they have settings of their own, and there can be a limit on their number,
//! which holds exactly, for all threads together: requests wait for a connection in the order
//! in which they came, and fail [at once](UpstreamErrorKind::Overloaded) if too many wait. Those
//! connections are behind a lock, which others never touch.
//!
//! On HTTP/2 threads share such connections, and a request also waits in that order if each has
//! as many streams as the backend takes. A connection is driven by the runtime that opened it:
//! when that ends, streams of other runtimes on it break off. So runtimes that share a pool
//! should end together.
//!
//! # Example
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use bytes::Bytes;
//! use gateway_lb::pool::{Pool, PoolSettings, Protocol};
//! use http::Request;
//! use http_body_util::{BodyExt, Empty};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = Pool::new(PoolSettings::new());
//! let request = Request::get("/health")
//!     .header("host", "backend.example")
//!     .body(Empty::<Bytes>::new())?;
//!
//! let response = pool.send(SocketAddr::from(([127, 0, 0, 1], 8080)), Protocol::Http1, request).await?;
//!
//! assert_eq!(response.status(), 200);
//! let _body = response.into_body().collect().await?.to_bytes();
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body::Body;
use thread_local::ThreadLocal;

use self::codec::OverSockets;
use self::error::BoxError;
use self::handle::{Handle, Shared};

mod body;
mod codec;
mod connections;
mod counts;
mod destination;
mod dial;
mod error;
mod future;
mod handle;
mod http1;
mod http2;
mod life;
mod limited;
mod settings;
mod shard;
mod state;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
mod warm;

pub use self::body::UpstreamBody;
pub use self::connections::Connections;
pub use self::counts::PoolCounts;
pub use self::destination::Destination;
pub use self::error::{UpstreamError, UpstreamErrorKind};
pub use self::future::SendFuture;
pub use self::settings::PoolSettings;
pub use self::stream::UpstreamStream;
#[cfg(feature = "tls")]
pub use self::tls::{InvalidTls, SubjectAltName, UpstreamTls, UpstreamTlsBuilder};
pub use self::upgrade::{UpgradedTransport, UpgradedUpstream};

/// Sends requests over connections that it keeps.
///
/// Clones share the connections. On a runtime with many threads a connection belongs to
/// the thread on which its last response ended.
pub struct Pool<B: Send> {
    shared: Arc<Shared<B>>,
    // Not inside `shared`: each handle keeps that alive.
    handles: Arc<ThreadLocal<Handle<B>>>,
}

/// What is spoken with an endpoint.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.1, one exchange at a time on each connection.
    Http1,
    /// HTTP/2: without TLS begun with prior knowledge (`kubernetes.io/h2c`), over TLS
    /// chosen in the handshake (ALPN).
    Http2,
}

/// A body that requests to a backend can have. Every body of bytes is one.
pub trait RequestBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static {}

impl<B> RequestBody for B where B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static
{}

impl<B: RequestBody> Pool<B> {
    /// A pool without connections.
    #[must_use]
    pub fn new(settings: PoolSettings) -> Self {
        Self {
            shared: Arc::new(Shared::new(settings, Box::new(OverSockets))),
            handles: Arc::new(ThreadLocal::new()),
        }
    }

    /// Sends `request` to `destination` over a kept or new connection of this thread.
    ///
    /// The future wants to be polled within a tokio runtime with time and I/O.
    ///
    /// # Errors
    ///
    /// An [`UpstreamError`] if no response came back. If it
    /// [is unsent](UpstreamError::is_unsent), the request may be sent again.
    pub fn send(
        &self,
        destination: impl Into<Destination>,
        protocol: Protocol,
        request: Request<B>,
    ) -> SendFuture<B> {
        SendFuture::new(self.handle().clone(), destination.into(), protocol, request)
    }

    /// Opens connections to `destination`, if fewer are idle on this thread than are to be
    /// [warm](crate::connections::ConnectionSettings::with_warm), or fewer open on HTTP/2.
    ///
    /// It returns at once, and no request waits for them. Call it now and then, on each thread
    /// that sends, within its runtime: what cannot be opened is tried again after a pause, which
    /// grows to half a minute. Whoever calls it no more lets the connections grow idle.
    pub fn warm(&self, destination: impl Into<Destination>, protocol: Protocol) {
        self.handle().warm(&destination.into(), protocol);
    }
}

impl<B: Send> Pool<B> {
    /// Closes connections of this thread that are dead, or have been idle for too long.
    ///
    /// Call it about once a second on each thread that sends. Threads that keep
    /// sending also sweep by themselves; a thread that falls silent does not.
    pub fn sweep(&self) {
        self.handle().sweep();
    }

    /// How many idle HTTP/1 connections this thread keeps, and all threads together of those
    /// whose number is limited.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.handle().idle_connections()
    }

    /// What became of connections until now, of all threads.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        let mut counts = PoolCounts::default();
        for handle in self.handles.iter() {
            handle.counters().add_to(&mut counts);
        }
        counts
    }

    fn handle(&self) -> &Handle<B> {
        self.handles
            .get_or(|| Handle::new(Arc::clone(&self.shared)))
    }
}

impl<B: Send> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            handles: Arc::clone(&self.handles),
        }
    }
}

impl<B: Send> fmt::Debug for Pool<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").finish_non_exhaustive()
    }
}
