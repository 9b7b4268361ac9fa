//! Opens a connection to one of a backend's endpoints.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use gateway_lb::Balancer;
use gateway_lb::balance::{NoReadyEndpoint, Outcome, Pick};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Connects to an endpoint that `balancer` picks for `key`; if that fails, to others. It is told
/// of those that failed; what becomes of the connection is for the caller to tell.
///
/// Dropping the future gives up.
pub(super) async fn dial(
    balancer: &Balancer,
    key: Option<u64>,
    limit: Duration,
) -> Result<(TcpStream, Pick), DialError> {
    let mut tried = Vec::new();
    loop {
        let mut pick = pick(balancer, key, &tried).map_err(DialError::None)?;
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
        balancer.answered(&mut pick, Outcome::Failure);
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

/// The endpoint for `key`, or any, other than those that were `tried`.
pub(super) fn pick(
    balancer: &Balancer,
    key: Option<u64>,
    tried: &[SocketAddr],
) -> Result<Pick, NoReadyEndpoint> {
    match key {
        Some(key) => balancer.pick_keyed_avoiding(key, tried),
        None => balancer.pick_avoiding(tried),
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use gateway_lb::balance::Algorithm;
    use gateway_lb::health::{Ejection, Health, HealthSettings};
    use tokio::net::TcpSocket;

    use super::*;

    /// A socket with a port of its own, at which nobody listens yet.
    fn bind() -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    #[tokio::test]
    async fn endpoint_that_cannot_be_connected_to_has_failed() {
        let ((listener, up), (_nobody, down)) = (bind(), bind());
        let _listener = listener.listen(1).unwrap();
        let ejection = Ejection::new().with_consecutive(Some(1));
        let health = Health::new(HealthSettings::new().with_ejection(ejection));
        let balancer = Balancer::new(Algorithm::RoundRobin, [up, down].into_iter().collect());
        let balancer = balancer.with_health(health);

        for _ in 0..2 {
            let (_tcp, pick) = dial(&balancer, None, Duration::from_secs(60))
                .await
                .unwrap();
            assert_eq!(pick.address(), up);
        }

        let ready = balancer.ready_endpoints();
        assert_eq!(ready.len(), 1);
        assert!(ready.contains(up));
    }
}
