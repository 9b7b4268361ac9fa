//! What all requests of a connection share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_filters::Scheme;
use http::Request;
use tokio::net::TcpStream;

use super::downstream;
use super::opening::{Opened, OpenedHttp, in_time, open};
use super::port::Port;
use super::stream::ClientStream;
use super::watch::Watch;
use super::watches::Watched;
use crate::Body;
use crate::admission::Forwarded;
use crate::exchange::{Arrival, Exchange, begin};
use crate::l4::policy::NoEntry;
use crate::l4::{self, Addresses, Policed};
use crate::live_table::LiveTable;
use crate::telemetry::Counting;
use crate::tls::Secured;

/// A client's connection. It stays with its port, whatever is configured there.
#[derive(Debug)]
pub(crate) struct Connection {
    port: Arc<Port>,
    forwarded: Forwarded,
    secured: Option<Secured>,
    ends: Option<Addresses>,
    watched: Watched,
    draining: Arc<AtomicBool>,
}

impl Connection {
    /// Serves the connection `tcp` from `client` until it ends.
    pub(crate) async fn serve(
        tcp: TcpStream,
        client: SocketAddr,
        port: Arc<Port>,
        mut watched: Watched,
        draining: Arc<AtomicBool>,
    ) {
        let (mut client, mut destination) = (client, None);
        if port.gate().asks() {
            let admitted = in_time(watched.watch(), port.gate().admit(&tcp, client)).await;
            let Some(admitted) = admitted else {
                return l4::ByteStream::from(tcp).reset();
            };
            client = admitted.client;
            destination = admitted.destination;
            watched.hold(admitted.permit);
        }
        let (admitted, taken) = {
            let table = port.table();
            let taken = table.streams().map(|streams| streams.served().cloned());
            (table.admit(client.ip()), taken)
        };
        if let Err(error) = admitted {
            return refuse(tcp, &port, client, &error);
        }
        // Responses are written whole; waiting for more to send only adds delay.
        // Failing means the client is gone, which reading will tell.
        let _ = tcp.set_nodelay(true);
        if let Some(served) = taken {
            let stack = served.as_ref().map(Policed::stack);
            return l4::serve(tcp, client, destination, stack, watched).await;
        }
        let ends = destination.or_else(|| tcp.local_addr().ok());
        let ends = ends.map(|destination| Addresses {
            source: client,
            destination,
        });
        match open(tcp, client, destination, &port, &watched).await {
            Some(Opened::Http(opened)) => {
                Self::http(opened, client, ends, port, watched, draining).await;
            }
            Some(Opened::Stream(stack, connection)) => {
                l4::forward(&stack, connection, watched).await;
            }
            None => {}
        }
    }

    async fn http(
        opened: OpenedHttp,
        client: SocketAddr,
        ends: Option<Addresses>,
        port: Arc<Port>,
        watched: Watched,
        draining: Arc<AtomicBool>,
    ) {
        let OpenedHttp {
            transport,
            spoken,
            ahead,
            secured,
        } = opened;
        let stream = ClientStream::new(transport, ahead, Arc::clone(watched.watch()), spoken);
        let forwarded = match &secured {
            Some(secured) => {
                Forwarded::new(client.ip(), Scheme::Https).with_identity(secured.identity())
            }
            None => Forwarded::new(client.ip(), Scheme::Http),
        };
        let connection = Arc::new(Self {
            port,
            forwarded,
            secured,
            ends,
            watched,
            draining,
        });
        downstream::serve(spoken, stream, connection).await;
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        self.watched.watch()
    }

    /// Whom it is from, and to.
    pub(crate) fn ends(&self) -> Option<Addresses> {
        self.ends
    }

    /// Whether the gateway is about to stop, so that clients should go elsewhere.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn exchange(self: &Arc<Self>, request: Request<Body>) -> Exchange {
        let table = self.port.table();
        let requests = table.requests(self.secured.is_some());
        let counting = Counting {
            port: self.watched.cells(),
            listeners: requests.map_or(&[], |requests| &requests.series),
            own_tasks: self.watch().is_multiplexed(),
        };
        let arrival = Arrival {
            scheme: match self.secured {
                Some(_) => Scheme::Https,
                None => Scheme::Http,
            },
            port: Some(self.port.public()),
            forwarded: Some(&self.forwarded),
            secured: self.secured.as_ref(),
            connection: Some(self),
            counting: Some(counting),
        };
        match requests {
            Some(requests) => begin(&requests.table, arrival, request),
            None => begin(&LiveTable::default(), arrival, request),
        }
    }
}

/// Closes a connection whose client may not enter.
pub(super) fn refuse(tcp: TcpStream, port: &Port, client: SocketAddr, error: &NoEntry) {
    tracing::debug!(%client, error = error as &dyn std::error::Error, "connection refused");
    port.gate().refuse();
    l4::ByteStream::from(tcp).reset();
}
