//! Datagrams.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use gateway_core::l4::udp::{Datagrams, Reply, Session, SessionStack};
use gateway_core::l4::{StackFuture, Summary};
use gateway_core::model::{
    Backend, BackendRef, Configuration, ExtensionRef, Gateway as Edge, Listener, Protocol,
    StreamRoute, StreamRouteKind, UdpSettings,
};
use gateway_core::{BoxError, Gateway};
use gateway_lb::balance::{Algorithm, HashKey, Maglev};
use gateway_tests::{TestGateway, patiently};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::AbortHandle;
use tower::Service;
use tower::layer::layer_fn;

fn udp(name: &str) -> StreamRoute {
    StreamRoute::new(StreamRouteKind::Udp, name)
}

fn to(name: &str) -> BackendRef {
    BackendRef::new(name.into())
}

fn on(address: IpAddr, listener: Listener) -> Configuration {
    Configuration::new().with_gateway(
        Edge::new("edge")
            .with_address(address)
            .with_listener(listener),
    )
}

fn routed(route: StreamRoute) -> Configuration {
    with_settings(route, UdpSettings::default())
}

fn with_settings(route: StreamRoute, settings: UdpSettings) -> Configuration {
    let listener = Listener::new("udp", 0, Protocol::Udp)
        .with_stream_route(route)
        .with_udp_settings(settings);
    on(Ipv4Addr::LOCALHOST.into(), listener)
}

/// One backend of all `echoes`.
fn site(echoes: &[&Echo]) -> Configuration {
    routed(udp("r").with_backend(to("b"))).with_backend("b", backend(echoes))
}

fn backend(echoes: &[&Echo]) -> Backend {
    Backend::new(echoes.iter().map(|echo| echo.address))
}

fn start(configuration: Configuration) -> TestGateway {
    TestGateway::serve(Gateway::builder().workers(2), configuration)
}

fn address(gateway: &TestGateway) -> SocketAddr {
    gateway.gateway().receiving()[0]
}

/// A backend that answers every datagram with its name, a colon and the datagram.
struct Echo {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    serving: AbortHandle,
}

impl Echo {
    async fn start(name: &'static str) -> Self {
        Self::on(name, (Ipv4Addr::LOCALHOST, 0).into()).await
    }

    async fn on(name: &'static str, address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let serving = tokio::spawn(async move {
            let mut buffer = vec![0; 65536];
            loop {
                let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                let answer = [name.as_bytes(), b":", &buffer[..length]].concat();
                let _ = socket.send_to(&answer, peer).await;
            }
        });
        Self {
            address,
            seen,
            serving: serving.abort_handle(),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A client with a port of its own.
async fn client(gateway: &TestGateway) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    socket.connect(address(gateway)).await.unwrap();
    socket
}

async fn answer(client: &UdpSocket) -> String {
    let mut buffer = vec![0; 65536];
    let length = patiently("an answer", client.recv(&mut buffer))
        .await
        .unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

async fn ask(client: &UdpSocket, question: &str) -> String {
    client.send(question.as_bytes()).await.unwrap();
    answer(client).await
}

/// Waits until so many datagrams were dropped.
async fn until_dropped(gateway: &TestGateway, count: u64) {
    patiently("datagrams to be dropped", async {
        while gateway.gateway().datagrams_dropped() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn datagrams_go_there_and_back() {
    let echo = Echo::start("e").await;
    let gateway = start(site(&[&echo]));
    let client = client(&gateway).await;

    assert_eq!(ask(&client, "hello").await, "e:hello");
    assert_eq!(ask(&client, "").await, "e:");
    let long = "x".repeat(60_000);
    assert_eq!(ask(&client, &long).await, format!("e:{long}"));
}

#[tokio::test]
async fn client_stays_with_its_endpoint() {
    let (one, two) = (Echo::start("1").await, Echo::start("2").await);
    let gateway = start(site(&[&one, &two]));

    let mut clients = BTreeMap::<_, usize>::new();
    for _ in 0..60 {
        let client = client(&gateway).await;
        let mut names = BTreeSet::new();
        for index in 0..10 {
            let reply = ask(&client, &format!("{index}")).await;
            let (name, echoed) = reply.split_once(':').unwrap();
            assert_eq!(echoed, format!("{index}"));
            names.insert(name.to_owned());
        }
        assert_eq!(names.len(), 1);
        *clients.entry(names.pop_first().unwrap()).or_default() += 1;
    }

    // Each worker takes turns.
    assert!((29..=31).contains(&clients["1"]), "{clients:?}");
}

#[tokio::test]
async fn sessions_of_a_client_go_where_its_address_hashes_to() {
    let mut echoes = Vec::new();
    for name in ["0", "1", "2", "3", "4"] {
        echoes.push(Echo::start(name).await);
    }
    let backend = backend(&echoes.iter().collect::<Vec<_>>())
        .with_algorithm(Algorithm::Maglev(Maglev::new()))
        .with_hash_key(HashKey::SourceAddress);
    let route = routed(udp("r").with_backend(to("b")));
    let gateway = start(route.with_backend("b", backend));

    let first = ask(&client(&gateway).await, "who").await;
    for _ in 0..10 {
        assert_eq!(ask(&client(&gateway).await, "who").await, first);
    }
}

#[tokio::test]
async fn weights_hold_for_sessions() {
    let (one, two) = (Echo::start("1").await, Echo::start("2").await);
    let route = udp("r")
        .with_backend(to("one").with_weight(70))
        .with_backend(to("two").with_weight(30));
    let gateway = start(
        routed(route)
            .with_backend("one", backend(&[&one]))
            .with_backend("two", backend(&[&two])),
    );

    let mut of_one = 0;
    for _ in 0..200 {
        of_one += usize::from(ask(&client(&gateway).await, "").await == "1:");
    }

    assert!((135..=145).contains(&of_one), "{of_one}");
}

#[tokio::test]
async fn datagrams_of_a_row_keep_their_order_and_borders() {
    let echo = Echo::start("e").await;
    let gateway = start(site(&[&echo]));
    let client = client(&gateway).await;
    ask(&client, "first").await;

    for index in 0..50 {
        client.send(format!("{index:03}").as_bytes()).await.unwrap();
    }

    for index in 0..50 {
        assert_eq!(answer(&client).await, format!("e:{index:03}"));
    }
}

#[tokio::test]
async fn replies_leave_from_the_address_that_was_used() {
    let echo = Echo::start("e").await;
    for everywhere in [
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        Ipv6Addr::UNSPECIFIED.into(),
    ] {
        let listener = Listener::new("udp", 0, Protocol::Udp)
            .with_stream_route(udp("r").with_backend(to("b")));
        let gateway = start(on(everywhere, listener).with_backend("b", backend(&[&echo])));
        let port = address(&gateway).port();

        for last in 1..=3 {
            // Connected: only replies from there are received.
            let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let target = Ipv4Addr::new(127, 0, 0, last);
            client.connect((target, port)).await.unwrap();
            assert_eq!(ask(&client, "who").await, "e:who");
        }
    }
}

#[tokio::test]
async fn ipv6_works_as_well() {
    let Ok(probe) = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await else {
        return; // A machine without it.
    };
    drop(probe);
    let echo = Echo::on("six", (Ipv6Addr::LOCALHOST, 0).into()).await;
    let listener =
        Listener::new("udp", 0, Protocol::Udp).with_stream_route(udp("r").with_backend(to("b")));
    let site = on(Ipv6Addr::UNSPECIFIED.into(), listener);
    let gateway = start(site.with_backend("b", backend(&[&echo])));

    let client = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
    client
        .connect((Ipv6Addr::LOCALHOST, address(&gateway).port()))
        .await
        .unwrap();
    assert_eq!(ask(&client, "x").await, "six:x");
}

#[tokio::test]
async fn change_of_configuration_leaves_sessions_alone() {
    let (old, new) = (Echo::start("old").await, Echo::start("new").await);
    let gateway = start(site(&[&old]));
    let early = client(&gateway).await;
    assert_eq!(ask(&early, "").await, "old:");

    let route = udp("r").with_backend(to("other"));
    gateway.update(
        routed(route)
            .with_backend("other", backend(&[&new]))
            .with_backend("b", backend(&[&old])),
    );

    assert_eq!(ask(&client(&gateway).await, "").await, "new:");
    assert_eq!(ask(&early, "").await, "old:");
}

#[tokio::test]
async fn endpoint_that_leaves_takes_its_sessions_along() {
    let (one, two) = (Echo::start("1").await, Echo::start("2").await);
    let gateway = start(site(&[&one]));
    let client = client(&gateway).await;
    assert_eq!(ask(&client, "").await, "1:");

    gateway.update(site(&[&two]));

    assert_eq!(ask(&client, "").await, "2:");
}

#[tokio::test]
async fn endpoint_where_nobody_listens_is_left() {
    let gone = {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket.local_addr().unwrap()
    };
    let up = Echo::start("up").await;
    let backend = Backend::new([gone, up.address]);
    let gateway = start(routed(udp("r").with_backend(to("b"))).with_backend("b", backend));

    let client = client(&gateway).await;
    patiently("an answer in the end", async {
        loop {
            client.send(b"x").await.unwrap();
            let mut buffer = [0; 16];
            let received =
                tokio::time::timeout(Duration::from_millis(50), client.recv(&mut buffer));
            if received.await.is_ok() {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn datagrams_without_anybody_to_go_to_are_dropped_and_counted() {
    let nowhere = [
        routed(udp("r")),
        routed(udp("r").with_backend(to("unknown"))),
        routed(udp("r").with_backend(to("b"))).with_backend("b", Backend::new([])),
        routed(udp("r").with_layer(ExtensionRef::new("", "Layer", "guard"))),
        on(
            Ipv4Addr::LOCALHOST.into(),
            Listener::new("udp", 0, Protocol::Udp),
        ),
    ];
    for configuration in nowhere {
        let gateway = start(configuration);
        let client = client(&gateway).await;

        client.send(b"x").await.unwrap();

        until_dropped(&gateway, 1).await;
    }
}

#[tokio::test]
async fn still_session_ends_and_the_next_chooses_again() {
    let (one, two) = (Echo::start("1").await, Echo::start("2").await);
    let settings = UdpSettings {
        idle: Duration::from_millis(100),
        ..UdpSettings::default()
    };
    let route = udp("r").with_backend(to("b"));
    let configuration = with_settings(route, settings).with_backend("b", backend(&[&one, &two]));
    let gateway = TestGateway::serve(Gateway::builder().workers(1), configuration);
    let client = client(&gateway).await;
    let first = ask(&client, "").await;

    patiently("another session", async {
        while ask(&client, "").await == first {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn so_many_sessions_and_no_more() {
    let echo = Echo::start("e").await;
    let settings = UdpSettings {
        max_sessions: 2,
        ..UdpSettings::default()
    };
    let route = udp("r").with_backend(to("b"));
    let gateway = start(with_settings(route, settings).with_backend("b", backend(&[&echo])));
    let served = [client(&gateway).await, client(&gateway).await];
    for client in &served {
        ask(client, "").await;
    }

    let refused = client(&gateway).await;
    refused.send(b"x").await.unwrap();

    until_dropped(&gateway, 1).await;
    for client in &served {
        assert_eq!(ask(client, "still").await, "e:still");
    }
    assert_eq!(echo.seen.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn so_many_new_sessions_in_a_second_and_no_more() {
    let echo = Echo::start("e").await;
    let settings = UdpSettings {
        new_sessions_per_second: Some(3),
        ..UdpSettings::default()
    };
    let route = udp("r").with_backend(to("b"));
    let gateway = start(with_settings(route, settings).with_backend("b", backend(&[&echo])));

    for _ in 0..20 {
        client(&gateway).await.send(b"x").await.unwrap();
    }

    until_dropped(&gateway, 10).await;
}

/// Upper case towards clients.
struct Loud(Arc<dyn Reply>);

impl Reply for Loud {
    fn reply(&self, datagrams: Datagrams<'_>) {
        for datagram in datagrams.iter() {
            self.0.reply(Datagrams::one(&datagram.to_ascii_uppercase()));
        }
    }
}

#[derive(Clone)]
struct Louder(SessionStack);

impl Service<Session> for Louder {
    type Response = Summary;
    type Error = BoxError;
    type Future = StackFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, session: Session) -> StackFuture {
        self.0.call(session.map_reply(Loud))
    }
}

#[tokio::test]
async fn layers_of_others_go_around_sessions() {
    let echo = Echo::start("e").await;
    let name = ExtensionRef::new("", "Layer", "loud");
    let route = udp("r").with_backend(to("b")).with_layer(name.clone());
    let builder = Gateway::builder()
        .workers(1)
        .session_layer(name, layer_fn(Louder));
    let configuration = routed(route).with_backend("b", backend(&[&echo]));
    let gateway = TestGateway::serve(builder, configuration);

    assert_eq!(ask(&client(&gateway).await, "hush").await, "E:HUSH");
}

#[tokio::test]
async fn drain_serves_sessions_until_they_are_still() {
    let echo = Echo::start("e").await;
    let gateway = start(site(&[&echo]));
    let client = client(&gateway).await;
    ask(&client, "").await;

    gateway.shutdown();

    assert_eq!(ask(&client, "more").await, "e:more");
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn listener_that_goes_frees_its_port() {
    let echo = Echo::start("e").await;
    let gateway = start(site(&[&echo]));
    let freed = address(&gateway);
    ask(&client(&gateway).await, "").await;

    gateway.update(Configuration::new());

    assert!(gateway.gateway().receiving().is_empty());
    patiently("the port to be free", async {
        while UdpSocket::bind(freed).await.is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn datagrams_and_connections_share_a_port_number() {
    let echo = Echo::start("e").await;
    let gateway = start(site(&[&echo]));

    let update = patiently("both to be bound", async {
        loop {
            // Of other tests, one may have either the moment it is free.
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let number = free.local_addr().unwrap().port();
            drop(free);
            let edge = Edge::new("edge")
                .with_address(Ipv4Addr::LOCALHOST.into())
                .with_listener(
                    Listener::new("udp", number, Protocol::Udp)
                        .with_stream_route(udp("r").with_backend(to("b"))),
                )
                .with_listener(Listener::http("web", number));
            let update = gateway.update(
                Configuration::new()
                    .with_gateway(edge)
                    .with_backend("b", backend(&[&echo])),
            );
            if update.failed.is_empty() {
                break update;
            }
        }
    })
    .await;

    assert_eq!(update.listening, update.receiving);
    assert_eq!(ask(&client(&gateway).await, "x").await, "e:x");
}
