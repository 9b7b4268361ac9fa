//! The beginning of a connection: until it is clear what is spoken in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::detect::{Spoken, detect};
use super::port::Port;
use super::transport::Transport;
use super::watch::{Signal, Watch};
use crate::l4::{self, ByteStream, ConnectionStack};
use crate::model::TlsTermination;
use crate::tls::{
    Established, Hello, Purpose, Routes, Secured, Terminator, TlsListener, handshake, read_hello,
};

/// A connection of which it is clear what is to be done.
pub(super) enum Opened {
    /// HTTP is spoken in it.
    Http(OpenedHttp),
    /// It is forwarded.
    Stream(ConnectionStack, l4::Connection),
}

/// A connection in which HTTP is spoken.
pub(super) struct OpenedHttp {
    pub(super) transport: Transport,
    pub(super) spoken: Spoken,
    /// What was read to find that out.
    pub(super) ahead: BytesMut,
    /// What the handshake has told, if there was one.
    pub(super) secured: Option<Secured>,
}

/// Finds out what `client` speaks, and decrypts it if that is asked for at `port`.
/// `None` if it is nothing that is served, or the connection is told to end before.
///
/// A drain leaves it a moment: its first request may be on its way already.
pub(super) async fn open(
    tcp: TcpStream,
    client: SocketAddr,
    port: &Port,
    watch: &Watch,
) -> Option<Opened> {
    let encrypted = port.table().tls().is_some();
    let opening = async {
        match encrypted {
            // Much of what a handshake needs is not needed after it: hence the box.
            true => Box::pin(Opening { client, port }.secured(tcp)).await,
            false => in_the_clear(tcp).await,
        }
    };
    let mut opening = std::pin::pin!(opening);
    tokio::select! {
        biased;
        opened = &mut opening => return opened,
        () = until(watch, Signal::Drain) => {}
    }

    tokio::select! {
        biased;
        opened = timeout(FIRST_REQUEST, opening) => opened.ok()?,
        () = until(watch, Signal::Close) => None,
    }
}

async fn in_the_clear(mut tcp: TcpStream) -> Option<Opened> {
    let (spoken, ahead) = detect(&mut tcp).await.ok()??;
    Some(Opened::Http(OpenedHttp {
        transport: Transport::Clear(tcp),
        spoken,
        ahead,
        secured: None,
    }))
}

/// A connection that begins with a ClientHello.
struct Opening<'a> {
    client: SocketAddr,
    port: &'a Port,
}

impl Opening<'_> {
    async fn secured(self, mut tcp: TcpStream) -> Option<Opened> {
        let hello = self.logged(read_hello(&mut tcp).await)??;
        let name = hello.server_name();
        // Whoever asks for a name that is not served is not told so: the connection
        // just ends (`TLSRoute.hostnames`).
        let name = name.as_deref();
        let Some(chosen) = self.choose(name) else {
            let client = self.client;
            tracing::debug!(%client, name, "no listener is for this name");
            return None;
        };

        match &chosen.purpose {
            Purpose::Http(terminator) => self.http(tcp, hello, &chosen, terminator).await,
            Purpose::Terminate(terminator, routes) => {
                let (name, stack) = (name.map(Arc::from), self.route(routes, name)?);
                let local = tcp.local_addr().ok()?;
                let established = self.logged(handshake(tcp, hello, terminator).await)?;
                let stream = ByteStream::new(established.stream);
                let connection =
                    l4::Connection::new(stream, self.client, local).with_server_name(name);
                Some(Opened::Stream(stack, connection))
            }
            Purpose::Passthrough(routes) => {
                let (name, stack) = (name.map(Arc::from), self.route(routes, name)?);
                let local = tcp.local_addr().ok()?;
                let connection = l4::Connection::new(tcp, self.client, local)
                    .with_server_name(name)
                    .with_ahead(hello.into_bytes());
                Some(Opened::Stream(stack, connection))
            }
            Purpose::Nothing => None,
        }
    }

    async fn http(
        self,
        tcp: TcpStream,
        hello: Hello,
        chosen: &TlsListener,
        terminator: &Terminator,
    ) -> Option<Opened> {
        let settings = terminator.settings();
        let established = self.logged(handshake(tcp, hello, terminator).await)?;
        let agreed = agreed(&established, settings);
        let Established { mut stream, client } = established;
        let (spoken, ahead) = match agreed {
            Some(spoken) => (spoken, BytesMut::new()),
            None => detect(&mut stream).await.ok()??,
        };

        Some(Opened::Http(OpenedHttp {
            transport: Transport::Tls(stream),
            spoken,
            ahead,
            secured: Some(Secured::new(&chosen.listener, settings, client)),
        }))
    }

    fn choose(&self, name: Option<&str>) -> Option<Arc<TlsListener>> {
        self.port.table().tls()?.choose(name).cloned()
    }

    fn route(&self, routes: &Routes, name: Option<&str>) -> Option<ConnectionStack> {
        let stack = routes.choose(name).cloned();
        if stack.is_none() {
            let client = self.client;
            tracing::debug!(%client, name, "no route is for this name");
        }
        stack
    }

    fn logged<T, E: std::error::Error + 'static>(&self, outcome: Result<T, E>) -> Option<T> {
        let client = self.client;
        let log = |error: &E| {
            tracing::debug!(%client, error = error as &dyn std::error::Error, "no TLS handshake");
        };
        outcome.inspect_err(log).ok()
    }
}

/// What is spoken in a connection, as far as that was agreed on. Clients that do not
/// know ALPN are asked nothing: they speak as in the clear.
fn agreed(established: &Established, settings: &TlsTermination) -> Option<Spoken> {
    match established.protocol() {
        Some(b"h2") => Some(Spoken::Http2),
        Some(_) => Some(Spoken::Http1),
        None => (!settings.http2()).then_some(Spoken::Http1),
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
