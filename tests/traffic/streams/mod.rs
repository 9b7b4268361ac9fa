//! Policies where no requests are read: on TCP, TLS and UDP listeners and routes.

mod access;
mod bandwidth;
mod limits;
mod refused;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::Gateway;
use gateway_core::model::{
    Backend, BackendRef, Configuration, Gateway as Edge, Listener, Policy, PolicySet, Protocol,
    StreamRoute, StreamRouteKind,
};
use gateway_filters::{AccessControl, CidrSet};
use gateway_tests::{RawOrigin, Scripted, TestGateway, patiently};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::task::AbortHandle;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Another address of this machine.
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn set(networks: &[&str]) -> CidrSet {
    CidrSet::parse(networks).unwrap()
}

fn allow(networks: &[&str]) -> Policy {
    Policy::Access(Arc::new(
        AccessControl::new().allow_addresses(set(networks)),
    ))
}

fn deny(networks: &[&str]) -> Policy {
    Policy::Access(Arc::new(AccessControl::new().deny_addresses(set(networks))))
}

fn all(policies: impl IntoIterator<Item = Policy>) -> PolicySet {
    let set = PolicySet::new("edge");
    policies.into_iter().fold(set, PolicySet::with)
}

/// A route to the backend called `origin`.
fn route(kind: StreamRouteKind, policies: impl IntoIterator<Item = Policy>) -> StreamRoute {
    let route = StreamRoute::new(kind, "route").with_backend(BackendRef::new("origin".into()));
    policies.into_iter().fold(route, StreamRoute::with_policy)
}

fn tcp(policies: impl IntoIterator<Item = Policy>) -> Listener {
    Listener::new("tcp", 0, Protocol::Tcp).with_stream_route(route(StreamRouteKind::Tcp, policies))
}

fn udp(policies: impl IntoIterator<Item = Policy>) -> Listener {
    Listener::new("udp", 0, Protocol::Udp).with_stream_route(route(StreamRouteKind::Udp, policies))
}

/// `listener` in front of `origin`.
fn configuration(listener: Listener, origin: SocketAddr) -> Configuration {
    let edge = Edge::new("edge").with_address(LOCALHOST);
    Configuration::new()
        .with_gateway(edge.with_listener(listener))
        .with_backend("origin", Backend::new([origin]))
}

fn serve(configuration: Configuration) -> TestGateway {
    TestGateway::serve(Gateway::builder().workers(2), configuration)
}

/// A backend that says everything again.
async fn echo() -> Scripted {
    RawOrigin::bind().await.script(|wire| async {
        let mut tcp = wire.into_tcp();
        let (mut read, mut write) = tcp.split();
        // A client that is gone hears nothing.
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
}

/// A connection from `client`, which has an address of this machine.
async fn connect_from(client: IpAddr, gateway: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((client, 0).into())?;
    socket.connect(gateway).await
}

/// Whether what is said in `stream` comes back.
async fn is_served<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> bool {
    let mut answer = [0; 5];
    let exchange = async {
        stream.write_all(b"hello").await?;
        stream.read_exact(&mut answer).await
    };
    patiently("an answer, or the end", exchange).await.is_ok() && answer == *b"hello"
}

/// Whether a connection from `client` is served.
async fn serves(gateway: SocketAddr, client: IpAddr) -> bool {
    match connect_from(client, gateway).await {
        Ok(stream) => is_served(stream).await,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            false
        }
    }
}

/// Whether the gateway resets a connection in which nothing was said.
async fn resets(gateway: SocketAddr, client: IpAddr) -> bool {
    let ended = async { connect_from(client, gateway).await?.read(&mut [0]).await };
    let ended = patiently("the end", ended).await;
    ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}

/// A backend that says every datagram again.
struct UdpEcho {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    serving: AbortHandle,
}

impl UdpEcho {
    async fn start() -> Self {
        let socket = UdpSocket::bind((LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            let mut buffer = [0; 2_048];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                count.fetch_add(1, Ordering::Relaxed);
                let _ = socket.send_to(&buffer[..length], peer).await;
            }
        });
        Self {
            address,
            seen,
            serving: serving.abort_handle(),
        }
    }

    /// How many datagrams have come.
    fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl Drop for UdpEcho {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A client that sends from `address`.
async fn sender(address: IpAddr, gateway: &TestGateway) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).await.unwrap();
    let port = gateway.gateway().receiving()[0].port();
    socket.connect((LOCALHOST, port)).await.unwrap();
    socket
}

async fn is_answered(client: &UdpSocket) {
    client.send(b"hello").await.unwrap();
    let mut answer = [0; 16];
    let length = patiently("an answer", client.recv(&mut answer)).await;
    assert_eq!(&answer[..length.unwrap()], b"hello");
}

/// Sends a datagram that the gateway drops.
async fn is_dropped(client: &UdpSocket, gateway: &TestGateway) {
    let before = gateway.gateway().datagrams_dropped();
    client.send(b"hello").await.unwrap();
    patiently("a datagram to be dropped", async {
        while gateway.gateway().datagrams_dropped() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
