//! Opens connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Protocol;
use super::destination::Destination;
use super::error::{UpstreamError, UpstreamErrorKind};
use super::settings::PoolSettings;
use super::stream::Split;

/// Opens a connection to `destination`, over TLS if it says so, within the dial timeout.
///
/// This is the only place in the pool that arms a timer.
pub(super) async fn dial(
    destination: &Destination,
    protocol: Protocol,
    settings: &PoolSettings,
) -> Result<Split, UpstreamError> {
    let opening = async {
        let mut tcp = connect(destination.address, settings.tcp_keep_alive)
            .await
            .map_err(|error| failed(UpstreamErrorKind::Dial, error))?;
        if let Some(opening) = &destination.opening {
            // Whoever takes no header has not seen the request either.
            tcp.write_all(opening)
                .await
                .map_err(|error| failed(UpstreamErrorKind::Handshake, error))?;
        }
        secure(tcp, destination, protocol).await
    };

    match timeout(settings.dial_timeout, opening).await {
        Ok(opened) => opened,
        Err(_elapsed) => Err(UpstreamError::new(UpstreamErrorKind::DialTimeout).with_unsent(true)),
    }
}

#[cfg(feature = "tls")]
async fn secure(
    tcp: TcpStream,
    destination: &Destination,
    protocol: Protocol,
) -> Result<Split, UpstreamError> {
    match &destination.tls {
        None => Ok(Split::Tcp(tcp)),
        Some(tls) => match tls.connect_http(protocol, tcp).await {
            Ok(stream) => Ok(Split::Tls(Box::new(stream))),
            Err(error) => Err(failed(UpstreamErrorKind::Handshake, error)),
        },
    }
}

#[cfg(not(feature = "tls"))]
async fn secure(
    tcp: TcpStream,
    _destination: &Destination,
    _protocol: Protocol,
) -> Result<Split, UpstreamError> {
    Ok(Split::Tcp(tcp))
}

fn failed(kind: UpstreamErrorKind, error: io::Error) -> UpstreamError {
    UpstreamError::new(kind)
        .with_source(error)
        .with_unsent(true)
}

async fn connect(address: SocketAddr, keep_alive: Option<Duration>) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Heads and bodies are written in one go, so waiting for more helps nobody.
    stream.set_nodelay(true)?;
    if let Some(interval) = keep_alive {
        let probes = TcpKeepalive::new()
            .with_time(interval)
            .with_interval(interval);
        SockRef::from(&stream).set_tcp_keepalive(&probes)?;
    }
    Ok(stream)
}
