//! The beginning of a connection: until it is clear what is spoken in it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::refuse;
use super::detect::{Spoken, detect};
use super::port::Port;
use super::transport::Transport;
use super::watch::{Signal, Watch};
use super::watches::Watched;
use crate::l4::{self, ByteStream, ConnectionStack, Policed};
use crate::model::TlsTermination;
use crate::telemetry::{Handshake, HandshakeFailure, PortCells};
use crate::tls::{
    Established, HandshakeError, Hello, NoHello, Purpose, Routes, Secured, Terminator, TlsListener,
    handshake, read_hello,
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
/// `destination` is where the client wanted to, if that is not this end.
pub(super) async fn open(
    tcp: TcpStream,
    client: SocketAddr,
    destination: Option<SocketAddr>,
    port: &Port,
    watched: &Watched,
) -> Option<Opened> {
    let encrypted = port.table().tls().is_some();
    let opening = async {
        match encrypted {
            // Much of what a handshake needs is not needed after it: hence the box.
            true => {
                let opening = Opening {
                    client,
                    destination,
                    port,
                    cells: watched.cells(),
                };
                Box::pin(opening.secured(tcp)).await
            }
            false => in_the_clear(tcp).await,
        }
    };
    in_time(watched.watch(), opening).await
}

/// What comes of `beginning`, unless the connection is told to end before.
///
/// A drain leaves it a moment: its first request may be on its way already.
pub(super) async fn in_time<T>(
    watch: &Watch,
    beginning: impl Future<Output = Option<T>>,
) -> Option<T> {
    let mut beginning = std::pin::pin!(beginning);
    tokio::select! {
        biased;
        output = &mut beginning => return output,
        () = until(watch, Signal::Drain) => {}
    }

    tokio::select! {
        biased;
        output = timeout(FIRST_REQUEST, beginning) => output.ok()?,
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
    destination: Option<SocketAddr>,
    port: &'a Port,
    cells: &'a PortCells,
}

impl Opening<'_> {
    async fn secured(self, mut tcp: TcpStream) -> Option<Opened> {
        let mut counted = self.cells.handshakes().begin();
        let read = read_hello(&mut tcp).await;
        let hello = self.noted(read, &mut counted, NoHello::class)?;
        let Some(hello) = hello else {
            // Nothing was said, as by whoever looks whether somebody listens.
            counted.forget();
            return None;
        };
        let name = hello.server_name();
        // Whoever asks for a name that is not served is not told so: the connection
        // just ends (`TLSRoute.hostnames`).
        let Some(chosen) = self.choose(name) else {
            let client = self.client;
            tracing::debug!(%client, name, "no listener is for this name");
            counted.failed(HandshakeFailure::ServerName);
            return None;
        };

        match &chosen.purpose {
            Purpose::Http(terminator) => self.http(tcp, hello, &chosen, terminator, counted).await,
            Purpose::Terminate(terminator, routes) => {
                let (name, served) = (name.map(Arc::from), self.route(routes, name, &mut counted)?);
                let (tcp, stack) = self.entered(tcp, served, &mut counted)?;
                let local = self.local(&tcp)?;
                let established = self.established(tcp, hello, terminator, counted).await?;
                let stream = ByteStream::new(established.stream);
                let connection =
                    l4::Connection::new(stream, self.client, local).with_server_name(name);
                Some(Opened::Stream(stack, connection))
            }
            Purpose::Passthrough(routes) => {
                let (name, served) = (name.map(Arc::from), self.route(routes, name, &mut counted)?);
                let (tcp, stack) = self.entered(tcp, served, &mut counted)?;
                counted.forget();
                let local = self.local(&tcp)?;
                let connection = l4::Connection::new(tcp, self.client, local)
                    .with_server_name(name)
                    .with_ahead(hello.into_bytes());
                Some(Opened::Stream(stack, connection))
            }
            Purpose::Nothing => {
                counted.failed(HandshakeFailure::Settings);
                None
            }
        }
    }

    async fn http(
        self,
        tcp: TcpStream,
        hello: Hello,
        chosen: &TlsListener,
        terminator: &Terminator,
        counted: Handshake<'_>,
    ) -> Option<Opened> {
        let settings = terminator.settings();
        let established = self.established(tcp, hello, terminator, counted).await?;
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

    async fn established(
        &self,
        tcp: TcpStream,
        hello: Hello,
        terminator: &Terminator,
        mut counted: Handshake<'_>,
    ) -> Option<Established> {
        let done = handshake(tcp, hello, terminator).await;
        let established = self.noted(done, &mut counted, HandshakeError::class)?;
        counted.completed();
        Some(established)
    }

    fn local(&self, tcp: &TcpStream) -> Option<SocketAddr> {
        self.destination.or_else(|| tcp.local_addr().ok())
    }

    fn choose(&self, name: Option<&str>) -> Option<Arc<TlsListener>> {
        self.port.table().tls()?.choose(name).cloned()
    }

    fn route<'r>(
        &self,
        routes: &'r Routes,
        name: Option<&str>,
        counted: &mut Handshake<'_>,
    ) -> Option<&'r Policed<l4::Connection>> {
        let served = routes.choose(name);
        if served.is_none() {
            let client = self.client;
            tracing::debug!(%client, name, "no route is for this name");
            counted.failed(HandshakeFailure::ServerName);
        }
        served
    }

    /// What happens to the connection, if its client may enter.
    fn entered(
        &self,
        tcp: TcpStream,
        served: &Policed<l4::Connection>,
        counted: &mut Handshake<'_>,
    ) -> Option<(TcpStream, ConnectionStack)> {
        match served.admit(self.client.ip()) {
            Ok(()) => Some((tcp, served.stack().clone())),
            Err(error) => {
                // None was tried.
                counted.forget();
                refuse(tcp, self.port, self.client, &error);
                None
            }
        }
    }

    fn noted<T, E: std::error::Error + 'static>(
        &self,
        outcome: Result<T, E>,
        counted: &mut Handshake<'_>,
        class: fn(&E) -> HandshakeFailure,
    ) -> Option<T> {
        let client = self.client;
        let note = |error: &E| {
            counted.failed(class(error));
            tracing::debug!(%client, error = error as &dyn std::error::Error, "no TLS handshake");
        };
        outcome.inspect_err(note).ok()
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
