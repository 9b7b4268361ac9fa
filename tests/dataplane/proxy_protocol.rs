//! The PROXY protocol, and who gets in.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use gateway_core::Gateway;
use gateway_core::l4::proxy_protocol::header;
use gateway_core::model::{
    Backend, BackendRef, Configuration, ConnectionLimits, Gateway as Edge, Listener, Protocol,
    ProxyProtocol, ProxyVersion, Strangers, StreamRoute, StreamRouteKind, TlsMode,
};
use gateway_filters::CidrSet;
use gateway_lb::health::{Check, HealthSettings, HttpProbe};
use gateway_tests::{Origin, RawOrigin, Site, TestGateway, Wire, patiently};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SOURCE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 4321);
const DESTINATION: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)), 443);
const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

fn range(text: &str) -> CidrSet {
    CidrSet::parse([text]).unwrap()
}

/// From this machine.
fn trusting() -> ProxyProtocol {
    ProxyProtocol::new(range("127.0.0.0/8"))
}

fn serve(listener: Listener, backends: Configuration) -> TestGateway {
    let edge = Edge::new("edge")
        .with_address(Ipv4Addr::LOCALHOST.into())
        .with_listener(listener);
    TestGateway::serve(Gateway::builder().workers(2), backends.with_gateway(edge))
}

/// An HTTP listener in front of `origin`.
fn http(origin: &Origin, change: impl FnOnce(Listener) -> Listener) -> TestGateway {
    let site = Site::to(origin.address());
    serve(change(site.listener("web")), site.backends())
}

/// A TCP listener in front of `backend`.
fn tcp(backend: Backend, change: impl FnOnce(Listener) -> Listener) -> TestGateway {
    let route =
        StreamRoute::new(StreamRouteKind::Tcp, "r").with_backend(BackendRef::new("b".into()));
    let listener = Listener::new("tcp", 0, Protocol::Tcp).with_stream_route(route);
    let backends = Configuration::new().with_backend("b", backend);
    serve(change(listener), backends)
}

/// Whether a new connection is refused, perhaps before the client has seen it open.
async fn nobody_is_served(gateway: &TestGateway) -> bool {
    match TcpStream::connect(gateway.address()).await {
        Ok(mut client) => is_refused(&mut client).await,
        Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
    }
}

/// Whether the gateway ends the connection without an answer.
async fn is_refused(client: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    let read = patiently("the end", client.read_to_end(&mut answer)).await;
    read.is_err() || answer.is_empty()
}

#[tokio::test]
async fn requests_are_from_whom_the_header_says() {
    let origin = Origin::echo().await;
    let gateway = http(&origin, |listener| listener.with_proxy_protocol(trusting()));

    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let mut client = Wire::connect(gateway.address()).await;
        client.send(header(version, SOURCE, DESTINATION)).await;
        client.send(GET).await;

        let answer = client.response().await.unwrap();
        assert_eq!(answer.status, 200);
        let seen = origin.last();
        assert_eq!(seen.header("x-forwarded-for"), Some("198.51.100.7"));
    }
}

#[tokio::test]
async fn header_may_come_in_parts_and_with_what_follows() {
    let origin = Origin::echo().await;
    let gateway = http(&origin, |listener| listener.with_proxy_protocol(trusting()));

    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let head = header(version, SOURCE, DESTINATION);
        let whole = [&head, GET.as_bytes()].concat();
        for split in [
            1,
            5,
            6,
            11,
            13,
            16,
            head.len() - 1,
            head.len(),
            head.len() + 3,
        ] {
            let mut client = Wire::connect(gateway.address()).await;
            client.send(&whole[..split]).await;
            tokio::task::yield_now().await;
            client.send(&whole[split..]).await;

            assert_eq!(client.response().await.unwrap().status, 200, "{split}");
        }
    }
}

#[tokio::test]
async fn header_that_says_nothing_leaves_the_sender() {
    let origin = Origin::echo().await;
    let gateway = http(&origin, |listener| listener.with_proxy_protocol(trusting()));
    let mut client = Wire::connect(gateway.address()).await;

    client.send("PROXY UNKNOWN\r\n").await;
    client.send(GET).await;

    assert_eq!(client.response().await.unwrap().status, 200);
    let seen = origin.last();
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
}

#[tokio::test]
async fn whoever_is_trusted_has_to_send_one() {
    let origin = Origin::echo().await;
    let gateway = http(&origin, |listener| listener.with_proxy_protocol(trusting()));

    for instead in [GET.as_bytes(), b"PROXY TCP4 a b 1 2\r\n", b"\0"] {
        let mut client = TcpStream::connect(gateway.address()).await.unwrap();
        client.write_all(instead).await.unwrap();
        assert!(is_refused(&mut client).await);
    }

    assert_eq!(gateway.gateway().connections_refused(), 3);
}

#[tokio::test]
async fn others_are_refused_or_served_as_they_are() {
    let origin = Origin::echo().await;
    let far = || ProxyProtocol::new(range("203.0.113.0/24"));
    let strict = http(&origin, |listener| listener.with_proxy_protocol(far()));
    assert!(nobody_is_served(&strict).await);

    let plain = far().with_others(Strangers::Plain);
    let gateway = http(&origin, |listener| listener.with_proxy_protocol(plain));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    assert_eq!(client.response().await.unwrap().status, 200);
    assert_eq!(origin.last().header("x-forwarded-for"), Some("127.0.0.1"));

    // What they claim is believed no more than any other first line.
    let mut client = Wire::connect(gateway.address()).await;
    client
        .send(header(ProxyVersion::V1, SOURCE, DESTINATION))
        .await;
    client.send(GET).await;
    assert_eq!(client.response().await.unwrap().status, 400);
}

#[tokio::test]
async fn header_is_taken_before_whatever_is_spoken() {
    let origin = RawOrigin::bind().await;
    let backend = || Backend::new([origin.address()]).with_proxy_protocol(ProxyVersion::V1);
    let line = "PROXY TCP4 198.51.100.7 203.0.113.9 4321 443\r\n";

    let gateway = tcp(backend(), |listener| {
        listener.with_proxy_protocol(trusting())
    });
    let mut client = Wire::connect(gateway.address()).await;
    client
        .send(header(ProxyVersion::V2, SOURCE, DESTINATION))
        .await;
    client.send("hello").await;
    let mut accepted = origin.accept().await;
    assert_eq!(
        accepted.read(line.len() + 5).await.unwrap(),
        [line, "hello"].concat().into_bytes()
    );

    let route =
        StreamRoute::new(StreamRouteKind::Tls, "r").with_backend(BackendRef::new("b".into()));
    let listener = Listener::new("tls", 0, Protocol::Tls(TlsMode::Passthrough))
        .with_stream_route(route)
        .with_proxy_protocol(trusting());
    let gateway = serve(listener, Configuration::new().with_backend("b", backend()));
    let mut client = Wire::connect(gateway.address()).await;
    client
        .send(header(ProxyVersion::V2, SOURCE, DESTINATION))
        .await;
    client.send(CLIENT_HELLO).await;
    let mut accepted = origin.accept().await;
    assert_eq!(
        accepted
            .read(line.len() + CLIENT_HELLO.len())
            .await
            .unwrap(),
        [line.as_bytes(), CLIENT_HELLO].concat()
    );
}

/// A ClientHello of TLS 1.2 that asks for no name, as short as one may be: with the
/// extension that says which signatures are known.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\x37\x01\x00\x00\x33\x03\x03\
    0123456789abcdef0123456789abcdef\x00\x00\x02\xc0\x2f\x01\x00\
    \x00\x08\x00\x0d\x00\x04\x00\x02\x04\x03";

#[tokio::test]
async fn backend_is_told_whom_a_connection_is_from() {
    let origin = RawOrigin::bind().await;
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let backend = Backend::new([origin.address()]).with_proxy_protocol(version);
        let gateway = tcp(backend, |listener| listener);
        let client = TcpStream::connect(gateway.address()).await.unwrap();

        // Before the client has said anything.
        let mut accepted = origin.accept().await;
        let expected = header(
            version,
            client.local_addr().unwrap(),
            client.peer_addr().unwrap(),
        );
        assert_eq!(accepted.read(expected.len()).await.unwrap(), expected);
    }
}

/// Reads requests behind PROXY protocol headers of version 1, and answers them with the
/// header of their connection.
async fn tell_the_header(mut wire: Wire) {
    let Some(line) = wire.read_until(b"\r\n").await else {
        return;
    };
    while wire.request().await.is_some() {
        let line = String::from_utf8_lossy(&line);
        let length = line.trim_end().len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        wire.send(answer + line.trim_end()).await;
    }
}

#[tokio::test]
async fn clients_do_not_share_connections_to_backends_that_are_told_of_them() {
    let origin = RawOrigin::bind().await.script(tell_the_header);
    let backend = Backend::new([origin.address()]).with_proxy_protocol(ProxyVersion::V1);
    let site = Site::to(origin.address());
    let gateway = serve(
        site.listener("web"),
        Configuration::new().with_backend("origin", backend),
    );

    for count in 1..=2 {
        let mut client = Wire::connect(gateway.address()).await;
        let (own, there) = (client.tcp().local_addr(), client.tcp().peer_addr());
        let (own, there) = (own.unwrap(), there.unwrap());
        let line = format!(
            "PROXY TCP4 127.0.0.1 127.0.0.1 {} {}",
            own.port(),
            there.port()
        );
        for _ in 0..3 {
            client.send(GET).await;
            assert_eq!(client.response().await.unwrap().text(), line);
        }
        assert_eq!(origin.connections(), count);
    }
}

#[tokio::test]
async fn requests_are_announced_as_from_whom_a_header_said() {
    let origin = RawOrigin::bind().await.script(tell_the_header);
    let backend = Backend::new([origin.address()]).with_proxy_protocol(ProxyVersion::V1);
    let site = Site::to(origin.address());
    let listener = site.listener("web").with_proxy_protocol(trusting());
    let gateway = serve(
        listener,
        Configuration::new().with_backend("origin", backend),
    );

    let mut client = Wire::connect(gateway.address()).await;
    client
        .send(header(ProxyVersion::V2, SOURCE, DESTINATION))
        .await;
    client.send(GET).await;

    let answer = client.response().await.unwrap();
    assert_eq!(
        answer.text(),
        "PROXY TCP4 198.51.100.7 203.0.113.9 4321 443"
    );
}

#[tokio::test]
async fn checks_are_announced_as_from_nobody() {
    let origin = RawOrigin::bind().await;
    let often = Duration::from_millis(20);
    let check = Check::new(HttpProbe::new("/healthz").unwrap()).with_interval(often);
    let backend = Backend::new([origin.address()])
        .with_proxy_protocol(ProxyVersion::V1)
        .with_health(HealthSettings::new())
        .with_check(check);
    let site = Site::to(origin.address());
    let _gateway = serve(
        site.listener("web"),
        Configuration::new().with_backend("origin", backend),
    );

    let mut check = origin.accept().await;

    let line = check.read_until(b"\r\n").await.unwrap();
    assert_eq!(line, b"PROXY UNKNOWN\r\n");
    assert!(check.request().await.is_some());
}

#[tokio::test]
async fn silence_instead_of_a_header_is_ended() {
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    let deadlines = gateway_core::Deadlines {
        head: Duration::from_millis(100),
        ..gateway_core::Deadlines::default()
    };
    let edge = Edge::new("edge")
        .with_address(Ipv4Addr::LOCALHOST.into())
        .with_listener(site.listener("web").with_proxy_protocol(trusting()));
    let builder = Gateway::builder().workers(1).deadlines(deadlines);
    let gateway = TestGateway::serve(builder, site.backends().with_gateway(edge));

    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    client.write_all(b"PROXY ").await.unwrap();

    assert!(is_refused(&mut client).await);
}

fn limited(total: Option<usize>, per_source: Option<usize>) -> ConnectionLimits {
    ConnectionLimits { total, per_source }
}

#[tokio::test]
async fn so_many_connections_over_all_workers_and_no_more() {
    let origin = Origin::echo().await;
    let gateway = http(&origin, |listener| {
        listener.with_limits(limited(Some(3), None))
    });
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut client = Wire::connect(gateway.address()).await;
        client.send(GET).await;
        assert_eq!(client.response().await.unwrap().status, 200);
        open.push(client);
    }

    assert!(nobody_is_served(&gateway).await);
    assert_eq!(gateway.gateway().connections_refused(), 1);

    drop(open.pop());
    patiently("room for another", async {
        loop {
            let Ok(tcp) = TcpStream::connect(gateway.address()).await else {
                continue;
            };
            let mut client = Wire::new(tcp);
            client.send(GET).await;
            if client.response().await.is_some() {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn so_many_connections_of_one_client_and_no_more() {
    let origin = RawOrigin::bind().await;
    let gateway = tcp(Backend::new([origin.address()]), |listener| {
        listener
            .with_limits(limited(None, Some(1)))
            .with_proxy_protocol(trusting())
    });
    let other = SocketAddr::new([198, 51, 100, 8].into(), 1);

    let mut first = Wire::connect(gateway.address()).await;
    first
        .send(header(ProxyVersion::V1, SOURCE, DESTINATION))
        .await;
    let _first = origin.accept().await;
    let mut second = TcpStream::connect(gateway.address()).await.unwrap();
    second
        .write_all(&header(ProxyVersion::V1, SOURCE, DESTINATION))
        .await
        .unwrap();
    assert!(is_refused(&mut second).await);

    let mut another = Wire::connect(gateway.address()).await;
    another
        .send(header(ProxyVersion::V1, other, DESTINATION))
        .await;
    let _another = origin.accept().await;
    assert_eq!(gateway.gateway().connections_refused(), 1);
}

#[tokio::test]
async fn limit_holds_from_when_it_is_set() {
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    let gateway = TestGateway::start(&site);
    let edge = Edge::new("edge")
        .with_address(Ipv4Addr::LOCALHOST.into())
        .with_listener(site.listener("web").with_limits(limited(Some(0), None)));

    gateway.update(site.backends().with_gateway(edge));

    assert!(nobody_is_served(&gateway).await);
}
