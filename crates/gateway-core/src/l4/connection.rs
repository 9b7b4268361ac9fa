//! A client's connection, as a value.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use gateway_filters::Bandwidth;
use tokio::io::AsyncReadExt;

use super::ByteStream;
use crate::listen::Watch;

/// A client's connection and what is known of it.
///
/// Dropping it closes it. On a gateway's own listeners it is counted among the
/// worker's connections by whoever accepted it, for as long as the service's future
/// lives; a service that gives it to a task of its own takes it out of the count.
#[derive(Debug)]
pub struct Connection {
    stream: ByteStream,
    ahead: BytesMut,
    client: SocketAddr,
    local: SocketAddr,
    server_name: Option<Arc<str>>,
    alpn: Option<Arc<[u8]>>,
    watch: Option<Arc<Watch>>,
}

impl Connection {
    /// The connection `stream` from `client` to `local`, of which nothing else is
    /// known.
    pub fn new(stream: impl Into<ByteStream>, client: SocketAddr, local: SocketAddr) -> Self {
        Self {
            stream: stream.into(),
            ahead: BytesMut::new(),
            client,
            local,
            server_name: None,
            alpn: None,
            watch: None,
        }
    }

    /// Says what was read of it already. Whoever reads it next sees that first.
    #[must_use]
    pub fn with_ahead(mut self, ahead: BytesMut) -> Self {
        self.ahead = ahead;
        self
    }

    /// Says which name the client asked for (SNI), in lower case.
    #[must_use]
    pub fn with_server_name(mut self, name: Option<Arc<str>>) -> Self {
        self.server_name = name;
        self
    }

    /// Says which protocol was agreed upon (ALPN).
    #[must_use]
    pub fn with_alpn(mut self, protocol: Option<Arc<[u8]>>) -> Self {
        self.alpn = protocol;
        self
    }

    /// Ends it when nothing moves.
    pub(crate) fn watched(mut self, watch: Arc<Watch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Whom it comes from: whoever the PROXY protocol says, or else its other end.
    pub fn client_address(&self) -> SocketAddr {
        self.client
    }

    /// Where the client wanted to: the destination of the PROXY protocol, or else
    /// this end.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The name that the client asked for, if it spoke TLS and asked for one.
    pub fn server_name(&self) -> Option<&Arc<str>> {
        self.server_name.as_ref()
    }

    /// The protocol that was agreed upon, if there was TLS and it was ended here.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// What was read of it and belongs to whoever reads it next.
    pub fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// Waits for more of what the client begins with, and adds it to
    /// [`Connection::ahead`]. Returns how much that was; 0 at the end. How much to
    /// read, and for how long to wait, is for the caller to bound; until it is
    /// forwarded, a connection of the gateway's listeners has as long as the head of
    /// a request.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// When the connection broke.
    pub async fn read_ahead(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.ahead).await
    }

    /// Changes its stream: to count, to slow down, to translate. What was read ahead
    /// stays as it is.
    #[must_use]
    pub fn map_stream<T: Into<ByteStream>>(self, map: impl FnOnce(ByteStream) -> T) -> Self {
        Self {
            stream: map(self.stream).into(),
            ..self
        }
    }

    /// Lets only so many bytes pass in a second, of what the client sends and of what it is
    /// sent. What was read ahead counts, as far as a burst goes.
    #[must_use]
    pub fn with_bandwidth(self, received: Option<Bandwidth>, sent: Option<Bandwidth>) -> Self {
        let read = self.ahead.len();
        self.map_stream(|stream| stream.paced(received, sent, read))
    }

    /// The stream, and what was read of it. Deadlines no longer hold for it.
    pub fn into_parts(self) -> (ByteStream, BytesMut) {
        (self.stream, self.ahead)
    }

    /// It is being forwarded: late only when nothing has moved for `idle`.
    pub(super) fn begin(mut self, idle: Duration) -> (ByteStream, BytesMut, Option<Arc<Watch>>) {
        if let Some(watch) = &self.watch {
            watch.set_still_limit(idle);
        }
        (self.stream, std::mem::take(&mut self.ahead), self.watch)
    }

    /// Closes it in a way that does not look like an end; dropping it does.
    pub fn reset(self) {
        self.stream.reset();
    }
}
