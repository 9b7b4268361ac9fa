//! What all requests of a connection share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use gateway_filters::Scheme;
use http::Request;
use tokio::net::TcpStream;

use super::detect::detect;
use super::downstream;
use super::port::Port;
use super::stream::ClientStream;
use super::watch::{Signal, Watch};
use super::watches::Watched;
use crate::Body;
use crate::admission::Forwarded;
use crate::exchange::{Arrival, Exchange, begin};

/// A client's connection. It stays with its port, whatever is configured there.
#[derive(Debug)]
pub(crate) struct Connection {
    port: Arc<Port>,
    forwarded: Forwarded,
    watched: Watched,
    draining: Arc<AtomicBool>,
}

impl Connection {
    /// Serves the connection `tcp` from `client` until it ends.
    pub(crate) async fn serve(
        tcp: TcpStream,
        client: SocketAddr,
        port: Arc<Port>,
        watched: Watched,
        draining: Arc<AtomicBool>,
    ) {
        // Responses are written whole; waiting for more to send only adds delay.
        // Failing means the client is gone, which reading will tell.
        let _ = tcp.set_nodelay(true);
        let Some((spoken, ahead)) = until_signal(watched.watch(), detect(&tcp)).await else {
            return;
        };

        let stream = ClientStream::new(tcp, ahead, Arc::clone(watched.watch()), spoken);
        let forwarded = Forwarded::new(client.ip(), Scheme::Http);
        let connection = Arc::new(Self {
            port,
            forwarded,
            watched,
            draining,
        });
        downstream::serve(spoken, stream, connection).await;
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        self.watched.watch()
    }

    /// Whether the gateway is about to stop, so that clients should go elsewhere.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn exchange(self: &Arc<Self>, request: Request<Body>) -> Exchange {
        let arrival = Arrival {
            scheme: Scheme::Http,
            port: Some(self.port.address().port()),
            forwarded: Some(&self.forwarded),
            connection: Some(self),
        };
        begin(&self.port.table(), arrival, request)
    }
}

/// What `found` finds, unless the connection is told to end before.
async fn until_signal<T, E>(
    watch: &Watch,
    found: impl Future<Output = Result<Option<T>, E>>,
) -> Option<T> {
    let mut found = std::pin::pin!(found);
    std::future::poll_fn(|cx| {
        watch.register(cx.waker());
        if watch.signal() != Signal::None {
            return Poll::Ready(None);
        }
        found.as_mut().poll(cx).map(|found| found.ok().flatten())
    })
    .await
}
