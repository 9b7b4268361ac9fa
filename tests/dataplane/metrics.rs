//! What is counted.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use gateway_core::model::{
    Backend, BackendRef, Configuration, ExtensionRef, Filter, Gateway as Edge, Hostname, Listener,
    Protocol, Rule, StreamRoute, StreamRouteKind, TlsTermination,
};
use gateway_core::telemetry::{AddressMetrics, Metrics, RequestMetrics};
use gateway_core::{Body, BoxError, Gateway, RuleStack};
use gateway_tests::{
    Authority, Client, Origin, RawOrigin, Site, TestGateway, TlsClient, Wire, patiently,
};
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tower::layer::layer_fn;
use tower::service_fn;

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Waits until what is counted is as it should be: ends are seen a little later by
/// who counts them than by clients.
async fn until(gateway: &TestGateway, what: &str, is_so: impl Fn(&Metrics) -> bool) -> Metrics {
    patiently(what, async {
        loop {
            let metrics = gateway.gateway().metrics();
            if is_so(&metrics) {
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

fn requests(metrics: &Metrics) -> &RequestMetrics {
    &metrics.listeners[0].requests
}

fn at(metrics: &Metrics) -> &AddressMetrics {
    &metrics.addresses[0]
}

fn class(requests: &RequestMetrics, wanted: u16) -> u64 {
    let mut classes = requests.responses.by_class();
    classes.find(|(class, _)| *class == wanted).unwrap().1
}

fn counted(counts: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .copied()
        .collect()
}

#[tokio::test]
async fn requests_of_every_version_and_worker_are_counted_once() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(Client::http1(gateway.address()).await);
        clients.push(Client::http2(gateway.address()).await);
    }

    for client in &mut clients {
        for _ in 0..3 {
            client.get("/").await;
        }
    }

    let metrics = until(&gateway, "the ends", |all| requests(all).in_flight == 0).await;
    assert_eq!(class(requests(&metrics), 2), 48);
    assert_eq!(requests(&metrics).responses.total(), 48);
    assert_eq!(requests(&metrics).abandoned, 0);
    assert_eq!((at(&metrics).accepted, at(&metrics).open), (16, 16));
    drop(clients);
    let metrics = until(&gateway, "the ends", |all| at(all).open == 0).await;
    assert_eq!((at(&metrics).accepted, metrics.panics), (16, 0));
}

#[tokio::test]
async fn connections_to_backends_are_counted() {
    let (one, two) = (Origin::echo().await, Origin::echo_h2c().await);
    for (site, kept) in [
        (Site::to(one.address()), 3),
        (Site::to_h2c(two.address()), 3),
    ] {
        let gateway = TestGateway::single(&site);
        let mut client = Client::http1(gateway.address()).await;
        for _ in 0..=kept {
            client.get("/").await;
        }

        let upstream = gateway.gateway().metrics().upstream;
        assert_eq!(
            (upstream.opened, upstream.reused, upstream.failed),
            (1, kept, 0)
        );
    }
}

#[tokio::test]
async fn backend_that_nobody_listens_at_is_a_failure_with_its_reason() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    for site in [Site::to(address), Site::to_h2c(address)] {
        let gateway = TestGateway::single(&site);

        Client::http1(gateway.address()).await.get("/").await;

        let metrics = gateway.gateway().metrics();
        assert_eq!(class(requests(&metrics), 5), 1);
        assert_eq!(counted(&requests(&metrics).failures), [("connect", 1)]);
        assert_eq!((metrics.upstream.opened, metrics.upstream.failed), (0, 1));
    }
}

#[tokio::test]
async fn request_is_in_flight_until_its_body_ends_or_its_client_leaves() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    assert_eq!(requests(&gateway.gateway().metrics()).in_flight, 1);

    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
        .await;
    client.read_until(b"ha").await.unwrap();
    let during = gateway.gateway().metrics();
    assert_eq!(
        (class(requests(&during), 2), requests(&during).in_flight),
        (1, 1)
    );
    backend.send("lf").await;
    client.read_until(b"lf").await.unwrap();
    until(&gateway, "the end", |all| requests(all).in_flight == 0).await;

    client.send(GET).await;
    backend.head().await.unwrap();
    drop(client);
    let metrics = until(&gateway, "the end", |all| requests(all).in_flight == 0).await;
    assert_eq!(
        (requests(&metrics).abandoned, class(requests(&metrics), 2)),
        (1, 1)
    );
}

#[tokio::test]
async fn requests_for_no_listener_are_counted_by_address() {
    let edge = Edge::new("edge").with_address(Ipv4Addr::LOCALHOST.into());
    let listener = Listener::http("web", 0).with_hostname(Hostname::new("b.test").unwrap());
    let configuration = Configuration::new().with_gateway(edge.with_listener(listener));
    let gateway = TestGateway::serve(Gateway::builder().workers(2), configuration);
    let mut client = Wire::connect(gateway.address()).await;

    client.send(GET).await;
    client.response().await.unwrap();
    client
        .send("TRACE / HTTP/1.1\r\nHost: b.test\r\n\r\n")
        .await;
    client.response().await.unwrap();

    let metrics = gateway.gateway().metrics();
    let unclaimed = &at(&metrics).unclaimed;
    assert_eq!(class(unclaimed, 4), 2);
    assert_eq!(
        counted(&unclaimed.failures),
        [("no_route", 1), ("bad_method", 1)]
    );
    assert_eq!(requests(&metrics).responses.total(), 0);
}

fn panicking() -> Result<Response<Body>, BoxError> {
    panic!("of a layer")
}

#[tokio::test]
async fn panics_of_layers_are_counted_once_each() {
    let name = ExtensionRef::new("example.test", "Layer", "panics");
    let rule = Rule::new().with_filter(Filter::Extension(name.clone()));
    let site = Site::new().rule(rule.with_backend(BackendRef::new("origin".into())));
    let layer = layer_fn(|_: RuleStack| service_fn(async |_: Request<Body>| panicking()));
    let builder = Gateway::builder().workers(2).layer(name, layer);
    let gateway = TestGateway::serve(builder, site.configuration());

    let mut one = Client::http1(gateway.address()).await;
    assert!(!one.is_answered(Client::request("/")).await);
    until(&gateway, "the first", |all| all.panics == 1).await;
    let mut two = Client::http2(gateway.address()).await;
    assert!(!two.is_answered(Client::request("/")).await);
    drop(two);

    let metrics = until(&gateway, "the ends", |all| at(all).open == 0).await;
    assert_eq!(metrics.panics, 2);
    assert_eq!(
        (requests(&metrics).in_flight, requests(&metrics).abandoned),
        (0, 2)
    );
}

#[tokio::test]
async fn handshakes_and_certificates_are_told() {
    let authority = Authority::new("authority");
    let site = authority.site(&["a.test", "also.test"]);
    let settings = TlsTermination::new(site.certificate());
    let origin = Origin::echo().await;
    let listener = Site::to(origin.address())
        .https("web", settings)
        .with_hostname(Hostname::new("a.test").unwrap());
    let configuration = Site::to(origin.address()).behind([listener]);
    let gateway = TestGateway::serve(Gateway::builder().workers(2), configuration);
    let address = gateway.address();

    let trusting = TlsClient::trusting(&authority);
    assert_eq!(
        trusting
            .http2(address, "a.test")
            .await
            .get("/")
            .await
            .status,
        200
    );
    assert!(trusting.connect(address, "b.test").await.is_err());
    let other = TlsClient::trusting(&Authority::new("another"));
    assert!(other.connect(address, "a.test").await.is_err());
    let mut plain = Wire::connect(address).await;
    plain.send(GET).await;
    plain.read_to_end().await;
    drop(Wire::connect(address).await);

    let metrics = until(&gateway, "the ends", |all| at(all).open == 0).await;
    let handshakes = &at(&metrics).handshakes;
    assert_eq!(handshakes.completed, 1);
    assert_eq!(
        counted(&handshakes.failures),
        [("client_hello", 1), ("server_name", 1), ("alert", 1)]
    );
    assert_eq!(class(requests(&metrics), 2), 1);
    let certificate = &metrics.certificates[0];
    assert_eq!(
        (&*certificate.name, metrics.certificates.len()),
        ("a.test", 1)
    );
    assert_eq!(certificate.not_after, site.certificate().not_after());
    assert!(certificate.not_after > SystemTime::now());
}

fn streams(listener: Listener, kind: StreamRouteKind, backend: Backend) -> TestGateway {
    let route = StreamRoute::new(kind, "r").with_backend(BackendRef::new("b".into()));
    let edge = Edge::new("edge").with_address(Ipv4Addr::LOCALHOST.into());
    let edge = edge.with_listener(listener.with_stream_route(route));
    let configuration = Configuration::new().with_gateway(edge);
    let builder = Gateway::builder().workers(2);
    TestGateway::serve(builder, configuration.with_backend("b", backend))
}

#[tokio::test]
async fn bytes_of_connections_are_counted_when_they_end() {
    let origin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = Listener::new("tcp", 0, Protocol::Tcp);
    let backend = Backend::new([origin.local_addr().unwrap()]);
    let gateway = streams(listener, StreamRouteKind::Tcp, backend);
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    let (mut backend, _) = patiently("a connection", origin.accept()).await.unwrap();

    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    backend.read_to_end(&mut Vec::new()).await.unwrap();
    backend.write_all(b"an answer").await.unwrap();
    drop(backend);
    client.read_to_end(&mut Vec::new()).await.unwrap();

    let metrics = until(&gateway, "the end", |all| at(all).open == 0).await;
    let streams = &at(&metrics).streams;
    assert_eq!(counted(&streams.ended), [("finished", 1)]);
    assert_eq!((streams.received, streams.sent), (8, 9));

    drop(origin);
    // Reset, perhaps before it is known here to be open.
    let _refused = TcpStream::connect(gateway.address()).await;
    let both = [("finished", 1), ("failed", 1)];
    let ended = |all: &Metrics| counted(&at(all).streams.ended) == both;
    until(&gateway, "the failure", ended).await;
}

#[tokio::test]
async fn sessions_of_datagrams_are_counted() {
    let origin = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let listener = Listener::new("udp", 0, Protocol::Udp);
    let backend = Backend::new([origin.local_addr().unwrap()]);
    let gateway = streams(listener, StreamRouteKind::Udp, backend);
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client
        .connect(gateway.gateway().receiving()[0])
        .await
        .unwrap();

    client.send(b"question").await.unwrap();
    let mut buffer = [0; 16];
    let (_, peer) = patiently("a datagram", origin.recv_from(&mut buffer))
        .await
        .unwrap();
    origin.send_to(b"an answer", peer).await.unwrap();
    patiently("an answer", client.recv(&mut buffer))
        .await
        .unwrap();

    let metrics = gateway.gateway().metrics();
    let datagrams = &metrics.datagrams[0];
    assert_eq!(
        (datagrams.sessions, datagrams.open, datagrams.dropped),
        (1, 1, 0)
    );
    assert!(metrics.addresses.is_empty());
}

#[tokio::test]
async fn counts_stay_with_a_listener_over_changes_and_go_with_it() {
    let (one, two) = (Origin::echo().await, Origin::echo().await);
    let gateway = TestGateway::start(&Site::to(one.address()));
    Client::http1(gateway.address()).await.get("/").await;

    gateway.update(Site::to(two.address()).configuration());
    // Nothing is different, so this is no change.
    gateway.update(Site::to(two.address()).configuration());
    Client::http1(gateway.address()).await.get("/").await;

    let metrics = gateway.gateway().metrics();
    assert_eq!((class(requests(&metrics), 2), metrics.generation), (2, 2));
    assert!(metrics.changed_at.is_some());
    gateway.update(Configuration::new());
    let metrics = gateway.gateway().metrics();
    assert_eq!((metrics.listeners.len(), metrics.addresses.len()), (0, 0));
}
