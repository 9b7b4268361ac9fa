//! Opens connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::{UpstreamError, UpstreamErrorKind};
use super::settings::PoolSettings;

/// Opens a TCP connection to `address`, within the dial timeout.
///
/// This is the only place in the pool that arms a timer.
pub(super) async fn dial(
    address: SocketAddr,
    settings: &PoolSettings,
) -> Result<TcpStream, UpstreamError> {
    let connecting = connect(address, settings.tcp_keep_alive);

    match timeout(settings.dial_timeout, connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(UpstreamError::new(UpstreamErrorKind::Dial)
            .with_source(error)
            .with_unsent(true)),
        Err(_elapsed) => Err(UpstreamError::new(UpstreamErrorKind::DialTimeout).with_unsent(true)),
    }
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
