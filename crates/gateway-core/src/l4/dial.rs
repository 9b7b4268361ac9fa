//! Opens a connection to one of a backend's endpoints.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use gateway_lb::Balancer;
use gateway_lb::balance::{NoReadyEndpoint, Pick};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connects to an endpoint that `balancer` picks; if that fails, to others.
///
/// Dropping the future gives up.
pub(super) async fn dial(
    balancer: &Balancer,
    limit: Duration,
) -> Result<(TcpStream, Pick), DialError> {
    let mut tried = Vec::new();
    loop {
        let pick = balancer.pick_avoiding(&tried).map_err(DialError::None)?;
        let address = pick.address();
        let error = match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Whoever relays does not wait for more to send.
                let _ = tcp.set_nodelay(true);
                return Ok((tcp, pick));
            }
            Ok(Err(error)) => error,
            Err(_elapsed) => io::ErrorKind::TimedOut.into(),
        };

        tracing::debug!(%address, %error, "cannot connect");
        let again = tried.contains(&address);
        tried.push(address);
        if again || tried.len() == ATTEMPTS {
            return Err(DialError::Failed {
                address,
                source: error,
            });
        }
    }
}

/// A client waits no longer than that many times the limit.
const ATTEMPTS: usize = 3;

/// Why no endpoint is connected.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("there is nobody to connect to")]
    None(#[source] NoReadyEndpoint),
    #[error("cannot connect to {address}")]
    Failed {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
}
