//! The innermost service: a backend by weight, an endpoint, a relay.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use gateway_lb::Distribution;
use gateway_lb::balance::{Outcome, Pick};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tower::Service;

use super::dial::dial;
use super::proxy_protocol::header;
use super::relay::Relay;
use super::{ByteStream, Connection, Summary};
use crate::BoxError;
use crate::model::{Backend, StreamTimeouts};
use crate::stack::LiveBackend;

/// Forwards connections to backends.
///
/// A backend is chosen by weight and an endpoint of it by its balancer, which may hash the
/// client's address. If that cannot be connected to in time, up to two others are tried, and it
/// has failed in the eyes of balancer and health. A connection that cannot be forwarded is reset.
#[derive(Clone)]
pub struct Forward {
    legs: Arc<Distribution<Arc<LiveBackend>>>,
    timeouts: StreamTimeouts,
    /// Whatever the backend's TLS settings say.
    without_tls: bool,
}

impl Forward {
    /// To the endpoints at `addresses`, in turn.
    pub fn to(addresses: impl IntoIterator<Item = SocketAddr>, timeouts: StreamTimeouts) -> Self {
        let backend = LiveBackend::of(Backend::new(addresses));
        Self::new([(backend, 1)], timeouts)
    }

    pub(crate) fn new(
        legs: impl IntoIterator<Item = (Arc<LiveBackend>, u32)>,
        timeouts: StreamTimeouts,
    ) -> Self {
        Self {
            legs: Arc::new(legs.into_iter().collect()),
            timeouts,
            without_tls: false,
        }
    }

    /// Encrypts nothing: that is done already, by the client.
    pub(crate) fn without_tls(mut self) -> Self {
        self.without_tls = true;
        self
    }

    async fn forward(self, connection: Connection) -> Result<Summary, BoxError> {
        let (backend, pick, head) = match self
            .connect(connection.client_address(), connection.local_address())
            .await
        {
            Ok(connected) => connected,
            Err(error) => {
                connection.reset();
                return Err(error);
            }
        };

        let (client, ahead, watch) = connection.begin(self.timeouts.idle);
        let summary = Relay::new(client, ahead, backend, watch)
            .with_head(head)
            .await;
        drop(pick);
        Ok(summary)
    }

    /// Opens a connection to a backend for one from `client` to `local`. Returns what is still to be sent on it before
    /// the client's bytes, too.
    async fn connect(
        &self,
        client: SocketAddr,
        local: SocketAddr,
    ) -> Result<(ByteStream, Pick, Vec<u8>), BoxError> {
        let leg = self.legs.choose().ok_or(NotForwarded::NoBackend)?;
        let active = leg.active().clone().ok_or(NotForwarded::InvalidBackend)?;
        let key = leg.key_of_client(client.ip());
        let (mut tcp, mut pick) = dial(&active.balancer, key, self.timeouts.connect).await?;
        let head = active
            .proxy_protocol()
            .map_or_else(Vec::new, |version| header(version, client, local));
        if self.without_tls || active.security.is_clear() {
            active.balancer.answered(&mut pick, Outcome::Success);
            return Ok((tcp.into(), pick, head));
        }

        // What says who the client is comes before the handshake.
        let secured = async {
            tcp.write_all(&head).await?;
            active.security.secure(tcp).await
        };
        let secured = timeout(self.timeouts.connect, secured).await;
        match &secured {
            Ok(Ok(_)) => active.balancer.answered(&mut pick, Outcome::Success),
            // The endpoint could do nothing about it.
            _ if active.security.is_impossible() => {}
            _ => active.balancer.answered(&mut pick, Outcome::Failure),
        }
        Ok((secured??, pick, Vec::new()))
    }
}

impl Service<Connection> for Forward {
    type Response = Summary;
    type Error = BoxError;
    type Future = ForwardFuture;

    /// Always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: Connection) -> ForwardFuture {
        ForwardFuture(Box::pin(self.clone().forward(connection)))
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("backends", &self.legs.len())
            .finish_non_exhaustive()
    }
}

/// The future of [`Forward`]. Dropping it breaks both connections off.
#[must_use = "futures do nothing unless polled"]
pub struct ForwardFuture(Pin<Box<dyn Future<Output = Result<Summary, BoxError>> + Send>>);

impl Future for ForwardFuture {
    type Output = Result<Summary, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ForwardFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardFuture").finish_non_exhaustive()
    }
}

/// A connection or session that there is no backend for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NotForwarded {
    /// The route has no backend with a weight.
    #[error("the route has no backend")]
    NoBackend,
    /// The backend that was chosen could not be resolved.
    #[error("the backend reference is not resolved")]
    InvalidBackend,
}
