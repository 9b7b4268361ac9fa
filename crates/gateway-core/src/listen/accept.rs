//! Takes connections from a listening socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::Receiver;

use super::clock::Clock;
use super::connection::Connection;
use super::port::Port;
use super::watches::{Watched, Watches};
use crate::telemetry::{PortCells, WorkerCells};

/// What a worker's connections share.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    pub(crate) watches: Arc<Watches>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) draining: Arc<AtomicBool>,
    /// The most connections that this worker keeps open.
    pub(crate) max_connections: usize,
    /// Which worker it is.
    pub(crate) worker: Arc<WorkerCells>,
}

/// Accepts connections until `stop` is true, then takes those that the kernel has
/// already accepted, as far as there is room, and closes the socket.
pub(crate) async fn accept(
    listener: TcpListener,
    port: Arc<Port>,
    acceptor: Acceptor,
    mut stop: Receiver<bool>,
) {
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = acceptor.next(&listener) => acceptor.take(accepted, &port).await,
        }
    }
    // A socket that is closed with connections in its queue resets them.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while acceptor.has_room()
        && let Some(accepted) = queued(&listener)
    {
        acceptor.take(accepted, &port).await;
    }
}

impl Acceptor {
    /// Watches a connection or session that comes to the address with these `cells`.
    pub(crate) fn watch(&self, cells: &[Arc<PortCells>]) -> Watched {
        let cells = &cells[self.worker.index()];

        self.watches.open(&self.clock, cells)
    }

    fn has_room(&self) -> bool {
        self.watches.len() < self.max_connections
    }

    /// The next connection, once there is room for it.
    async fn next(&self, listener: &TcpListener) -> Accepted {
        while !self.has_room() {
            // Others wait in the kernel's queue until one of ours ends.
            tokio::time::sleep(PAUSE).await;
        }
        listener.accept().await
    }

    async fn take(&self, accepted: Accepted, port: &Arc<Port>) {
        match accepted {
            Ok((tcp, client)) => {
                let watched = self.watch(port.cells());
                let draining = Arc::clone(&self.draining);
                tokio::spawn(Connection::serve(
                    tcp,
                    client,
                    Arc::clone(port),
                    watched,
                    draining,
                ));
            }
            // The client left before it was served.
            Err(error) if is_of_the_connection(&error) => {}
            // Out of descriptors or memory: it is no use to try at once.
            Err(error) => {
                tracing::warn!(address = %port.address(), %error, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

type Accepted = io::Result<(TcpStream, SocketAddr)>;

async fn stopped(stop: &mut Receiver<bool>) {
    // A sender that is gone has nothing to add.
    drop(stop.wait_for(|stop| *stop).await);
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// The next connection that the kernel has accepted. It is asked itself: the runtime may not have
/// heard of it yet, if there was no time since the socket was opened.
fn queued(listener: &std::net::TcpListener) -> Option<Accepted> {
    let accepted = listener.accept().and_then(|(tcp, client)| {
        tcp.set_nonblocking(true)?;
        Ok((TcpStream::from_std(tcp)?, client))
    });
    match accepted {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        accepted => Some(accepted),
    }
}

const PAUSE: Duration = Duration::from_millis(50);
