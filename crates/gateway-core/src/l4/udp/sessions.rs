//! The sessions of one worker on one address.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tower::Service;

use super::port::{Place, UdpPort};
use super::socket::{Origin, Socket};
use super::{Burst, Datagrams, Session};
use crate::listen::{Acceptor, Watched};

/// Who sends, and to which address of ours.
type Key = (SocketAddr, Option<IpAddr>);

/// Brings datagrams to their sessions. The kernel sends those of one client to one
/// worker, so nobody else has to know.
#[derive(Debug)]
pub(super) struct Sessions {
    socket: Arc<Socket>,
    port: Arc<UdpPort>,
    acceptor: Acceptor,
    open: HashMap<Key, Open, foldhash::fast::RandomState>,
    ended: UnboundedReceiver<(Key, u64)>,
    end: UnboundedSender<(Key, u64)>,
    last_id: u64,
    /// Whether new ones are still made.
    accepts: bool,
}

#[derive(Debug)]
struct Open {
    /// Tells a session from a later one of the same client.
    id: u64,
    datagrams: Sender<Burst>,
}

impl Sessions {
    pub(super) fn new(socket: Socket, port: Arc<UdpPort>, acceptor: Acceptor) -> Self {
        let (end, ended) = unbounded_channel();
        Self {
            socket: Arc::new(socket),
            port,
            acceptor,
            open: HashMap::default(),
            ended,
            end,
            last_id: 0,
            accepts: true,
        }
    }

    /// No new ones from now on.
    pub(super) fn refuse(&mut self) {
        self.accepts = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Brings datagrams that come to their sessions; ready when some have come or a
    /// session has ended.
    pub(super) fn poll_serve(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut has_changed = false;
        while let Poll::Ready(Some(ended)) = self.ended.poll_recv(cx) {
            self.forget(ended);
            has_changed = true;
        }
        if has_changed {
            return Poll::Ready(Ok(()));
        }
        let socket = Arc::clone(&self.socket);
        socket.poll_receive(cx, |origin, datagrams| self.deliver(origin, datagrams))
    }

    fn forget(&mut self, (key, id): (Key, u64)) {
        if self.open.get(&key).is_some_and(|open| open.id == id) {
            self.open.remove(&key);
        }
    }

    /// Gives datagrams to their session, which may be new.
    pub(super) fn deliver(&mut self, origin: Origin, datagrams: Datagrams<'_>) {
        let key = (origin.peer, origin.local);
        if let Some(open) = self.open.get(&key) {
            match open.datagrams.try_send(datagrams.to_burst()) {
                Ok(()) => return,
                // It is slower than its client: some have to go.
                Err(TrySendError::Full(_)) => return self.port.drop_one(),
                // It has just ended.
                Err(TrySendError::Closed(_)) => {}
            }
        }
        if self.begin(key, datagrams).is_none() {
            self.port.drop_one();
        }
    }

    /// Begins a session with its first datagrams, if there may be another.
    fn begin(&mut self, key: Key, first: Datagrams<'_>) -> Option<()> {
        let has_room = self.acceptor.watches.len() < self.acceptor.max_connections;
        if !self.accepts || !has_room {
            return None;
        }
        let table = self.port.table();
        let served = table.served()?;
        let client = key.0.ip();
        served.check_address(client).ok()?;
        let place = self.port.enter(&table, client)?;

        let (datagrams, incoming) = channel(QUEUE);
        datagrams.try_send(first.to_burst()).ok()?;
        let watched = self.acceptor.watch(self.port.cells());
        watched.watch().set_still_limit(table.settings().idle);
        let session = self
            .session(key, incoming)
            .watched(Arc::clone(watched.watch()));

        self.last_id += 1;
        let id = self.last_id;
        let ending = Ending {
            key,
            id,
            end: self.end.clone(),
            place,
            watched,
        };
        tokio::spawn(ending.after(served.stack().clone().call(session)));
        self.open.insert(key, Open { id, datagrams });
        Some(())
    }

    fn session(
        &self,
        (client, local): Key,
        incoming: tokio::sync::mpsc::Receiver<Burst>,
    ) -> Session {
        let socket = Arc::clone(&self.socket);
        let reply = move |datagrams: Datagrams<'_>| {
            if let Err(error) = socket.send(client, local, datagrams) {
                tracing::debug!(%client, %error, "reply dropped");
            }
        };
        let ip = local.unwrap_or_else(|| self.port.address().ip());
        let address = SocketAddr::new(ip.to_canonical(), self.port.address().port());
        let client = SocketAddr::new(client.ip().to_canonical(), client.port());

        Session::new(client, address, incoming, reply)
    }
}

/// What remains to be done when a session has ended, however that came about.
#[derive(Debug)]
struct Ending {
    key: Key,
    id: u64,
    end: UnboundedSender<(Key, u64)>,
    place: Place,
    watched: Watched,
}

impl Ending {
    async fn after(self, served: crate::l4::StackFuture) {
        let client = self.key.0;
        let outcome = served.await;
        self.watched.cells().streams().ended(&outcome);
        match outcome {
            Ok(summary) => tracing::debug!(%client, ?summary, "session ended"),
            Err(error) => {
                self.place.port().drop_one();
                tracing::debug!(%client, error = &*error as &dyn std::error::Error, "session failed");
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Nobody is left to tell when the listener is gone.
        let _ = self.end.send((self.key, self.id));
    }
}

/// How many bursts wait for a session.
const QUEUE: usize = 64;
