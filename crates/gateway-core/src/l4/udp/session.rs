//! What one client sends to one address, as a value.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;

use super::{Burst, Datagrams};
use crate::listen::Watch;

/// A client's session: a stream of datagrams from it and a way back.
///
/// Dropping it ends it; what the client sends then begins another.
pub struct Session {
    client: SocketAddr,
    local: SocketAddr,
    incoming: Box<dyn Receive>,
    reply: Arc<dyn Reply>,
    watch: Option<Arc<Watch>>,
}

/// Where a session's datagrams come from. Implemented by tokio's receivers.
pub trait Receive: Send {
    /// The next ones; `None` when the session has to end.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Burst>>;
}

/// The way back to a client. Implemented by closures.
pub trait Reply: Send + Sync {
    /// Sends to the client, or drops what cannot be sent at once.
    fn reply(&self, datagrams: Datagrams<'_>);
}

impl Session {
    /// A session of `client`, which sends to `local`.
    pub fn new(
        client: SocketAddr,
        local: SocketAddr,
        incoming: impl Receive + 'static,
        reply: impl Reply + 'static,
    ) -> Self {
        Self {
            client,
            local,
            incoming: Box::new(incoming),
            reply: Arc::new(reply),
            watch: None,
        }
    }

    /// Ends it when nothing moves.
    pub(super) fn watched(mut self, watch: Arc<Watch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Whose session it is.
    pub fn client_address(&self) -> SocketAddr {
        self.client
    }

    /// Where the client sends to.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// The next datagrams of the client; `None` when the session has to end. Dropping
    /// the future loses nothing.
    pub async fn receive(&mut self) -> Option<Burst> {
        std::future::poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// As [`Session::receive`].
    pub fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Burst>> {
        self.incoming.poll_receive(cx)
    }

    /// Sends to the client.
    pub fn reply(&self, datagrams: Datagrams<'_>) {
        self.reply.reply(datagrams);
    }

    /// The way back to the client, to keep.
    pub fn reply_handle(&self) -> Arc<dyn Reply> {
        Arc::clone(&self.reply)
    }

    /// Changes what comes from the client, or takes it away.
    #[must_use]
    pub fn filter_map(
        mut self,
        filter_map: impl FnMut(Burst) -> Option<Burst> + Send + 'static,
    ) -> Self {
        self.incoming = Box::new(FilterMap {
            incoming: self.incoming,
            filter_map,
        });
        self
    }

    /// Changes the way back to the client.
    #[must_use]
    pub fn map_reply<R: Reply + 'static>(mut self, map: impl FnOnce(Arc<dyn Reply>) -> R) -> Self {
        self.reply = Arc::new(map(self.reply));
        self
    }

    pub(super) fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("client", &self.client)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl Receive for mpsc::Receiver<Burst> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Burst>> {
        self.poll_recv(cx)
    }
}

impl<F: Fn(Datagrams<'_>) + Send + Sync> Reply for F {
    fn reply(&self, datagrams: Datagrams<'_>) {
        self(datagrams);
    }
}

struct FilterMap<F> {
    incoming: Box<dyn Receive>,
    filter_map: F,
}

impl<F: FnMut(Burst) -> Option<Burst> + Send> Receive for FilterMap<F> {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Burst>> {
        loop {
            let Some(burst) = ready!(self.incoming.poll_receive(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(burst) = (self.filter_map)(burst) {
                return Poll::Ready(Some(burst));
            }
        }
    }
}
