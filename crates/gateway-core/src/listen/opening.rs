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
use crate::model::TlsTermination;
use crate::tls::{Established, Purpose, Secured, TlsListener, handshake, read_hello};

/// A connection in which HTTP is spoken.
pub(super) struct Opened {
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
    // Much of what a handshake needs is not needed after it: hence the box.
    let encrypted = port.table().tls().is_some();
    let opening = async {
        match encrypted {
            true => Box::pin(decrypted(tcp, client, port)).await,
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
    Some(Opened {
        transport: Transport::Clear(tcp),
        spoken,
        ahead,
        secured: None,
    })
}

async fn decrypted(mut tcp: TcpStream, client: SocketAddr, port: &Port) -> Option<Opened> {
    let hello = match read_hello(&mut tcp).await {
        Ok(hello) => hello?,
        Err(error) => {
            tracing::debug!(%client, error = &error as &dyn std::error::Error, "no TLS handshake");
            return None;
        }
    };
    let name = hello.server_name();
    let Some(chosen) = choose(port, name.as_deref()) else {
        tracing::debug!(%client, name, "no listener is for this name");
        return None;
    };

    match &chosen.purpose {
        Purpose::Http(terminator) => {
            let established = match handshake(tcp, hello, terminator).await {
                Ok(established) => established,
                Err(error) => {
                    tracing::debug!(%client, name, error = &error as &dyn std::error::Error, "no TLS handshake");
                    return None;
                }
            };
            http(established, &chosen, terminator.settings()).await
        }
        Purpose::Nothing => None,
    }
}

fn choose(port: &Port, name: Option<&str>) -> Option<Arc<TlsListener>> {
    port.table().tls()?.choose(name).cloned()
}

async fn http(
    established: Established,
    chosen: &TlsListener,
    settings: &Arc<TlsTermination>,
) -> Option<Opened> {
    let agreed = match established.protocol() {
        Some(b"h2") => Some(Spoken::Http2),
        Some(_) => Some(Spoken::Http1),
        None => (!settings.http2()).then_some(Spoken::Http1),
    };
    let Established { mut stream, client } = established;
    let (spoken, ahead) = match agreed {
        Some(spoken) => (spoken, BytesMut::new()),
        // It does not know ALPN: then as in the clear.
        None => detect(&mut stream).await.ok()??,
    };

    Some(Opened {
        transport: Transport::Tls(stream),
        spoken,
        ahead,
        secured: Some(Secured::new(&chosen.listener, settings, client)),
    })
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
