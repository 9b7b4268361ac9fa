//! What all requests of a connection share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use gateway_filters::Scheme;
use http::Request;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::detect::{Spoken, detect};
use super::downstream;
use super::port::Port;
use super::stream::ClientStream;
use super::watch::{Signal, Watch};
use super::watches::Watched;
use crate::Body;
use crate::admission::Forwarded;
use crate::exchange::{Arrival, Exchange, begin};
use crate::l4;

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
        if let Some(streams) = port.streams() {
            return l4::serve(tcp, client, &streams, watched).await;
        }
        let Some((spoken, ahead)) = first_bytes(watched.watch(), &tcp).await else {
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

/// What the client begins with, unless the connection is told to end before.
///
/// A drain leaves it a moment: its first request may be on its way already.
async fn first_bytes(watch: &Watch, tcp: &TcpStream) -> Option<(Spoken, BytesMut)> {
    let mut found = std::pin::pin!(detect(tcp));
    let told = until(watch, Signal::Drain);
    tokio::select! {
        biased;
        found = &mut found => return found.ok().flatten(),
        () = told => {}
    }

    tokio::select! {
        biased;
        found = timeout(FIRST_REQUEST, found) => found.ok()?.ok().flatten(),
        () = until(watch, Signal::Close) => None,
    }
}

/// Resolves when the connection has been told `signal`, or more.
async fn until(watch: &Watch, signal: Signal) {
    std::future::poll_fn(|cx| {
        watch.register(cx.waker());
        if watch.signal() >= signal {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// For a client that connected just before a drain to say something.
const FIRST_REQUEST: Duration = Duration::from_millis(250);
