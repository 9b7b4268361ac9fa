//! Connections that are not HTTP.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use gateway_core::l4::{Connection, ConnectionStack, Summary};
use gateway_core::model::{
    Backend, BackendRef, Configuration, ExtensionRef, Gateway as Edge, Listener, Protocol,
    StreamRoute, StreamRouteKind, StreamTimeouts,
};
use gateway_core::{BoxError, Gateway};
use gateway_lb::balance::{Algorithm, HashKey, Maglev};
use gateway_tests::{RawOrigin, TestGateway, patiently};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;
use tower::layer::layer_fn;

fn tcp(name: &str) -> StreamRoute {
    StreamRoute::new(StreamRouteKind::Tcp, name)
}

fn to(name: &str) -> BackendRef {
    BackendRef::new(name.into())
}

fn listening(listener: Listener) -> Configuration {
    let edge = Edge::new("edge").with_address(Ipv4Addr::LOCALHOST.into());
    Configuration::new().with_gateway(edge.with_listener(listener))
}

fn routed(route: StreamRoute) -> Configuration {
    listening(Listener::new("tcp", 0, Protocol::Tcp).with_stream_route(route))
}

/// Everything goes to `address`.
fn site(address: SocketAddr) -> Configuration {
    routed(tcp("r").with_backend(to("b"))).with_backend("b", Backend::new([address]))
}

fn start(configuration: Configuration) -> TestGateway {
    TestGateway::serve(Gateway::builder().workers(2), configuration)
}

async fn connect(gateway: &TestGateway) -> TcpStream {
    TcpStream::connect(gateway.address()).await.unwrap()
}

/// A backend, and one connection to it through a gateway.
async fn pair() -> (TestGateway, TcpStream, TcpStream) {
    let origin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let gateway = start(site(origin.local_addr().unwrap()));
    let client = connect(&gateway).await;
    let (backend, _) = patiently("a connection", origin.accept()).await.unwrap();
    (gateway, client, backend)
}

/// What the other side says until it ends.
async fn rest(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    patiently("the end", stream.read_to_end(&mut read)).await?;
    Ok(read)
}

/// Whether the other side breaks the connection off, instead of ending it.
async fn is_reset(stream: &mut TcpStream) -> bool {
    let error = rest(stream).await.expect_err("broken off");
    error.kind() == io::ErrorKind::ConnectionReset
}

/// Whether a new connection is reset, perhaps before the client has seen it open.
async fn nobody_is_served(gateway: &TestGateway) -> bool {
    match TcpStream::connect(gateway.address()).await {
        Ok(mut client) => is_reset(&mut client).await,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

/// Sends so many bytes that differ by their place.
async fn send_numbered(stream: &mut (impl AsyncWriteExt + Unpin), length: u64) {
    let mut sent = 0;
    while sent < length {
        let block = numbered(sent, length);
        stream.write_all(block).await.unwrap();
        sent += block.len() as u64;
    }
    stream.shutdown().await.unwrap();
}

/// Reads until the end, and checks every byte.
async fn receive_numbered(stream: &mut (impl AsyncReadExt + Unpin), length: u64) {
    let mut received = 0;
    while received < length {
        let expected = numbered(received, length);
        let mut block = vec![0; expected.len()];
        stream.read_exact(&mut block).await.unwrap();
        assert!(block == expected, "wrong somewhere after {received}");
        received += block.len() as u64;
    }
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

/// 64 KiB or less of noise that repeats only after so many bytes that nothing can be
/// missing or in another's place.
fn numbered(from: u64, end: u64) -> &'static [u8] {
    static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut state = 1_u32;
        let mut noise: Vec<u8> = (0..PERIOD)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        noise.extend_from_within(..BLOCK);
        noise
    });
    let place = usize::try_from(from).unwrap() % PERIOD;
    let length = usize::try_from(end - from).unwrap().min(BLOCK);
    &NOISE[place..place + length]
}

const BLOCK: usize = 64 * 1024;
/// A prime, which divides no size of a buffer.
const PERIOD: usize = 1_000_003;

async fn exchange_both_ways(client: TcpStream, backend: TcpStream, length: u64) {
    let (mut client_read, mut client_write) = client.into_split();
    let (mut backend_read, mut backend_write) = backend.into_split();
    let all = async {
        tokio::join!(
            send_numbered(&mut client_write, length),
            receive_numbered(&mut backend_read, length),
            send_numbered(&mut backend_write, length),
            receive_numbered(&mut client_read, length),
        );
    };
    patiently("all bytes", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_arrives_both_ways() {
    let (_gateway, client, backend) = pair().await;

    // Far beyond what is copied before bytes are spliced.
    exchange_both_ways(client, backend, 64 * 1024 * 1024 + 12_345).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes its time; run by hand"]
async fn every_byte_of_a_gibibyte_arrives_both_ways() {
    let (_gateway, client, backend) = pair().await;

    exchange_both_ways(client, backend, 1 << 30).await;
}

/// A layer that hides from the relay that the client's stream is TCP.
fn hiding(builder: gateway_core::GatewayBuilder) -> gateway_core::GatewayBuilder {
    let layer = layer_fn(|inner: ConnectionStack| Hiding { inner });
    builder.connection_layer(ExtensionRef::new("", "Layer", "hide"), layer)
}

#[derive(Clone)]
struct Hiding {
    inner: ConnectionStack,
}

impl Service<Connection> for Hiding {
    type Response = Summary;
    type Error = BoxError;
    type Future = gateway_core::l4::StackFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, connection: Connection) -> Self::Future {
        let hidden = connection.map_stream(gateway_core::l4::ByteStream::new);
        self.inner.call(hidden)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_byte_arrives_through_a_layer() {
    let origin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let route = tcp("r")
        .with_backend(to("b"))
        .with_layer(ExtensionRef::new("", "Layer", "hide"));
    let configuration =
        routed(route).with_backend("b", Backend::new([origin.local_addr().unwrap()]));
    let gateway = TestGateway::serve(hiding(Gateway::builder().workers(1)), configuration);
    let client = connect(&gateway).await;
    let (backend, _) = patiently("a connection", origin.accept()).await.unwrap();

    exchange_both_ways(client, backend, 16 * 1024 * 1024 + 1).await;
}

#[tokio::test]
async fn layer_that_is_not_there_is_not_skipped() {
    let origin = RawOrigin::bind().await;
    let route = tcp("r")
        .with_backend(to("b"))
        .with_layer(ExtensionRef::new("", "Layer", "guard"));
    let gateway = start(routed(route).with_backend("b", Backend::new([origin.address()])));

    assert!(nobody_is_served(&gateway).await);
}

#[tokio::test]
async fn backend_may_speak_first() {
    let (_gateway, mut client, mut backend) = pair().await;

    backend.write_all(b"welcome").await.unwrap();

    let mut heard = [0; 7];
    patiently("the welcome", client.read_exact(&mut heard))
        .await
        .unwrap();
    assert_eq!(&heard, b"welcome");
}

#[tokio::test]
async fn each_direction_ends_by_itself() {
    let (_gateway, mut client, mut backend) = pair().await;

    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut backend).await.unwrap(), b"question");
    backend.write_all(b"answer").await.unwrap();
    drop(backend);
    assert_eq!(rest(&mut client).await.unwrap(), b"answer");

    let (_gateway, mut client, mut backend) = pair().await;
    backend.write_all(b"greeting").await.unwrap();
    backend.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await.unwrap(), b"greeting");
    client.write_all(b"thanks").await.unwrap();
    drop(client);
    assert_eq!(rest(&mut backend).await.unwrap(), b"thanks");
}

#[tokio::test]
async fn what_breaks_off_never_looks_finished() {
    let (_gateway, mut client, mut backend) = pair().await;
    backend.write_all(b"half").await.unwrap();
    client.read_exact(&mut [0; 4]).await.unwrap();
    backend.set_zero_linger().unwrap();
    drop(backend);
    assert!(is_reset(&mut client).await);

    let (_gateway, mut client, mut backend) = pair().await;
    client.write_all(b"half").await.unwrap();
    backend.read_exact(&mut [0; 4]).await.unwrap();
    client.set_zero_linger().unwrap();
    drop(client);
    assert!(is_reset(&mut backend).await);
}

#[tokio::test]
async fn who_is_not_read_is_not_read_from() {
    let (_gateway, mut client, mut backend) = pair().await;

    // More than all buffers on the way together hold is not taken.
    let block = vec![7; 1024 * 1024];
    let mut sent = 0_u64;
    while let Ok(written) =
        tokio::time::timeout(Duration::from_millis(500), client.write(&block)).await
    {
        sent += written.unwrap() as u64;
        assert!(sent < 200 * 1024 * 1024, "somebody keeps it all");
    }

    client.shutdown().await.unwrap();
    let mut received = 0;
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = patiently("more", backend.read(&mut buffer)).await.unwrap();
        if read == 0 {
            break;
        }
        received += read as u64;
    }
    assert_eq!(received, sent);
}

/// A backend that says its name and ends.
async fn named(name: &'static str) -> gateway_tests::Scripted {
    RawOrigin::bind()
        .await
        .script(move |mut wire| async move { wire.send(name).await })
}

async fn ask(gateway: &TestGateway) -> String {
    let mut client = connect(gateway).await;
    String::from_utf8(rest(&mut client).await.unwrap()).unwrap()
}

#[tokio::test]
async fn weights_hold_for_connections() {
    let (one, two, none) = (named("one").await, named("two").await, named("none").await);
    let route = tcp("r")
        .with_backend(to("one").with_weight(70))
        .with_backend(to("two").with_weight(30))
        .with_backend(to("none").with_weight(0));
    let gateway = start(
        routed(route)
            .with_backend("one", Backend::new([one.address()]))
            .with_backend("two", Backend::new([two.address()]))
            .with_backend("none", Backend::new([none.address()])),
    );

    let mut counts = HashMap::new();
    for _ in 0..1000 {
        *counts.entry(ask(&gateway).await).or_insert(0) += 1;
    }

    assert_eq!(counts.values().sum::<i32>(), 1000);
    assert!((690..=710).contains(&counts["one"]), "{counts:?}");
    assert!(!counts.contains_key("none"));
}

#[tokio::test]
async fn client_stays_with_the_endpoint_that_its_address_hashes_to() {
    let mut origins = Vec::new();
    for name in ["0", "1", "2", "3", "4"] {
        origins.push(named(name).await);
    }
    let backend = Backend::new(origins.iter().map(|origin| origin.address()))
        .with_algorithm(Algorithm::Maglev(Maglev::new()))
        .with_hash_key(HashKey::SourceAddress);
    let route = routed(tcp("r").with_backend(to("b")));
    let gateway = start(route.with_backend("b", backend));

    let first = ask(&gateway).await;
    for _ in 0..10 {
        assert_eq!(ask(&gateway).await, first);
    }
}

#[tokio::test]
async fn connection_without_anybody_to_go_to_is_reset_at_once() {
    let nowhere = [
        listening(Listener::new("tcp", 0, Protocol::Tcp)),
        routed(tcp("r")),
        routed(tcp("r").with_backend(to("unknown"))),
        routed(tcp("r").with_backend(BackendRef::invalid("no such service"))),
        routed(tcp("r").with_backend(to("b"))).with_backend("b", Backend::new([])),
    ];

    for configuration in nowhere {
        let gateway = start(configuration);
        assert!(nobody_is_served(&gateway).await);
    }
}

#[tokio::test]
async fn endpoint_that_is_down_is_passed_over() {
    let up = named("up").await;
    let down = {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        bound.local_addr().unwrap()
    };
    let gateway = start(
        routed(tcp("r").with_backend(to("b")))
            .with_backend("b", Backend::new([down, up.address()])),
    );

    for _ in 0..10 {
        assert_eq!(ask(&gateway).await, "up");
    }
}

#[tokio::test]
async fn endpoints_that_are_all_down_reset_the_connection() {
    let down = {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        bound.local_addr().unwrap()
    };
    let gateway = start(site(down));

    assert!(nobody_is_served(&gateway).await);
}

#[tokio::test]
async fn oldest_route_gets_everything() {
    let (old, new) = (named("old").await, named("new").await);
    let listener = Listener::new("tcp", 0, Protocol::Tcp)
        .with_stream_route(tcp("a").with_created(2).with_backend(to("new")))
        .with_stream_route(tcp("b").with_created(1).with_backend(to("old")));
    let gateway = start(
        listening(listener)
            .with_backend("old", Backend::new([old.address()]))
            .with_backend("new", Backend::new([new.address()])),
    );

    for _ in 0..20 {
        assert_eq!(ask(&gateway).await, "old");
    }
}

#[tokio::test]
async fn change_of_route_leaves_connections_alone() {
    let (gateway, mut client, mut backend) = pair().await;
    let other = named("other").await;

    gateway.update(site(other.address()));

    assert_eq!(ask(&gateway).await, "other");
    client.write_all(b"still here").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut backend).await.unwrap(), b"still here");
}

#[tokio::test]
async fn drain_waits_for_connections() {
    let (gateway, mut client, mut backend) = pair().await;

    gateway.shutdown();
    let address = gateway.address();
    patiently("the socket to close", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;

    backend.write_all(b"last words").await.unwrap();
    drop(backend);
    assert_eq!(rest(&mut client).await.unwrap(), b"last words");
    drop(client);
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn drain_ends_with_the_patience_of_the_gateway() {
    let origin = RawOrigin::bind().await;
    let builder = Gateway::builder()
        .workers(1)
        .drain_timeout(Duration::from_millis(50));
    let gateway = TestGateway::serve(builder, site(origin.address()));
    let mut client = connect(&gateway).await;
    let _backend = origin.accept().await;

    gateway.shutdown();

    assert!(gateway.drained().await.is_ok());
    assert!(is_reset(&mut client).await);
}

#[tokio::test]
async fn connection_in_which_nothing_moves_is_ended() {
    let origin = RawOrigin::bind().await;
    let timeouts = StreamTimeouts {
        idle: Duration::from_millis(100),
        ..StreamTimeouts::default()
    };
    let route = tcp("r").with_backend(to("b")).with_timeouts(timeouts);
    let gateway = start(routed(route).with_backend("b", Backend::new([origin.address()])));
    let mut client = connect(&gateway).await;
    let _backend = origin.accept().await;

    assert!(is_reset(&mut client).await);
}

#[tokio::test]
async fn connections_count_against_the_limit_of_the_gateway() {
    let origin = RawOrigin::bind().await;
    let builder = Gateway::builder().workers(1).max_connections(1);
    let gateway = TestGateway::serve(builder, site(origin.address()));
    let first = connect(&gateway).await;
    let _held = origin.accept().await;

    // The kernel accepts it; the gateway does not.
    let _second = connect(&gateway).await;
    let mut accepting = std::pin::pin!(origin.accept());
    let nobody = poll_fn(|cx| Poll::Ready(accepting.as_mut().poll(cx).is_pending()));
    assert!(nobody.await);

    drop(first);
    drop(_held);
    accepting.await;
}
