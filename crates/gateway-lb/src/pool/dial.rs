//! Opens connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::destination::Destination;
use super::error::{UpstreamError, UpstreamErrorKind};
use super::settings::PoolSettings;
use super::{Protocol, UpstreamStream};

/// Opens a connection to `destination`, over TLS if it says so, within the dial timeout.
///
/// This is the only place in the pool that arms a timer.
pub(super) async fn dial(
    destination: &Destination,
    protocol: Protocol,
    settings: &PoolSettings,
) -> Result<UpstreamStream, UpstreamError> {
    let opening = async {
        let tcp = connect(destination.address, settings.tcp_keep_alive)
            .await
            .map_err(|error| failed(UpstreamErrorKind::Dial, error))?;
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
) -> Result<UpstreamStream, UpstreamError> {
    match &destination.tls {
        None => Ok(tcp.into()),
        Some(tls) => match tls.connect_http(protocol, tcp).await {
            Ok(stream) => Ok(stream.into()),
            Err(error) => Err(failed(UpstreamErrorKind::Handshake, error)),
        },
    }
}

#[cfg(not(feature = "tls"))]
async fn secure(
    tcp: TcpStream,
    _destination: &Destination,
    _protocol: Protocol,
) -> Result<UpstreamStream, UpstreamError> {
    Ok(tcp.into())
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
