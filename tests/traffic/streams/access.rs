//! Who may connect: AT-ACL-3. That what a client forges in `X-Forwarded-For` does not count
//! is in `traffic/access.rs`.

use std::net::{Ipv4Addr, Ipv6Addr};

use gateway_core::l4::proxy_protocol::header;
use gateway_core::model::{
    Hostname, ProxyProtocol, ProxyVersion, Rule, Strangers, TlsMode, TlsTermination,
};
use gateway_filters::client_address::TrustedProxies;
use gateway_tests::{Authority, Client, Origin, Site, TlsClient};

use super::*;
use crate::requests::get;

/// Addresses, and whether these lists let them in.
fn lists() -> (AccessControl, [(&'static str, bool); 6]) {
    let lists = AccessControl::new()
        .allow_addresses(set(&["198.51.100.0/24", "2001:db8::/32"]))
        .deny_addresses(set(&["198.51.100.7", "2001:db8::7"]));
    let clients = [
        ("198.51.100.1", true),
        ("198.51.100.7", false),
        ("203.0.113.1", false),
        ("2001:db8::1", true),
        ("2001:db8::7", false),
        ("2001:db9::1", false),
    ];
    (lists, clients)
}

/// AT-ACL-3, for TCP listeners.
#[tokio::test]
async fn client_of_a_connection_is_whoever_a_trusted_header_says() {
    let origin = echo().await;
    let (lists, clients) = lists();
    let listener = tcp([])
        .with_policies(all([Policy::Access(Arc::new(lists))]))
        .with_proxy_protocol(ProxyProtocol::new(set(&["127.0.0.0/8"])));
    let gateway = serve(configuration(listener, origin.address()));

    for (client, enters) in clients {
        let client: IpAddr = client.parse().unwrap();
        let mapped = match client {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().into(),
            v6 @ IpAddr::V6(_) => v6,
        };
        let served = origin.connections();
        for (client, version) in [
            (client, ProxyVersion::V1),
            (client, ProxyVersion::V2),
            (mapped, ProxyVersion::V2),
        ] {
            let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
            let to = match client {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            let header = header(version, (client, 4_321).into(), SocketAddr::new(to, 443));
            stream.write_all(&header).await.unwrap();
            assert_eq!(is_served(stream).await, enters, "{client}");
        }
        // Nobody is connected to for those who may not enter.
        let dialled = if enters { 3 } else { 0 };
        assert_eq!(origin.connections() - served, dialled, "{client}");
    }
    assert_eq!(gateway.gateway().connections_refused(), 4 * 3);
}

#[tokio::test]
async fn header_of_somebody_who_is_not_trusted_changes_nothing() {
    let origin = echo().await;
    let trusting = ProxyProtocol::new(set(&["10.0.0.0/8"])).with_others(Strangers::Plain);
    let listener = tcp([allow(&["198.51.100.0/24"])]).with_proxy_protocol(trusting);
    let gateway = serve(configuration(listener, origin.address()));

    assert!(resets(gateway.address(), LOCALHOST).await);

    assert_eq!(origin.connections(), 0);
}

#[tokio::test]
async fn lists_of_listener_and_route_both_hold() {
    let origin = echo().await;
    let listener = tcp([deny(&["127.0.0.2"])]).with_policies(all([allow(&["127.0.0.0/30"])]));
    let gateway = serve(configuration(listener, origin.address()));

    for (last, enters) in [(1, true), (2, false), (3, true), (9, false)] {
        let client = Ipv4Addr::new(127, 0, 0, last).into();
        assert_eq!(serves(gateway.address(), client).await, enters, "{client}");
    }
    assert_eq!(origin.connections(), 2);
    let refused: u64 = gateway
        .gateway()
        .metrics()
        .addresses
        .iter()
        .map(|one| one.refused)
        .sum();
    assert_eq!(refused, 2);
}

/// On a socket for both families an IPv4 address arrives as one of IPv6.
#[tokio::test]
async fn address_is_the_same_on_a_socket_for_both_families() {
    let origin = echo().await;
    let datagrams = UdpEcho::start().await;
    let everywhere = |listener| {
        let edge = Edge::new("edge").with_listener(listener);
        Configuration::new().with_gateway(edge)
    };
    let connections = serve(
        everywhere(tcp([allow(&["127.0.0.1"])]))
            .with_backend("origin", Backend::new([origin.address()])),
    );
    let sessions = serve(
        everywhere(udp([deny(&["::ffff:127.0.0.2"])]))
            .with_backend("origin", Backend::new([datagrams.address])),
    );

    let address = SocketAddr::new(LOCALHOST, connections.address().port());
    assert!(serves(address, LOCALHOST).await);
    assert!(!serves(address, OTHER).await);
    is_answered(&sender(LOCALHOST, &sessions).await).await;
    is_dropped(&sender(OTHER, &sessions).await, &sessions).await;
}

/// AT-ACL-3, for UDP listeners.
#[tokio::test]
async fn datagrams_of_those_who_may_not_enter_begin_no_session() {
    let origin = UdpEcho::start().await;
    let listener = udp([deny(&["127.0.0.2"])]).with_policies(all([allow(&["127.0.0.0/30"])]));
    let gateway = serve(configuration(listener, origin.address));

    for last in [2, 9] {
        let client = sender(Ipv4Addr::new(127, 0, 0, last).into(), &gateway).await;
        is_dropped(&client, &gateway).await;
    }
    assert_eq!(origin.seen(), 0);
    assert_eq!(gateway.gateway().metrics().datagrams[0].sessions, 0);

    is_answered(&sender(LOCALHOST, &gateway).await).await;
    assert_eq!(gateway.gateway().metrics().datagrams[0].sessions, 1);
}

/// Where only the listener counts, nobody has to say anything first.
#[tokio::test]
async fn tls_listener_refuses_before_anything_is_said() {
    let origin = echo().await;
    let issued = Authority::new("authority").site(&["a.test"]);
    let settings = Arc::new(TlsTermination::new(issued.certificate()));

    for mode in [TlsMode::Passthrough, TlsMode::Terminate(settings)] {
        let listener = Listener::new("tls", 0, Protocol::Tls(mode))
            .with_stream_route(route(StreamRouteKind::Tls, []))
            .with_policies(all([deny(&["127.0.0.1"])]));
        let gateway = serve(configuration(listener, origin.address()));

        assert!(resets(gateway.address(), LOCALHOST).await);

        assert_eq!(gateway.gateway().connections_refused(), 1);
        assert_eq!(origin.connections(), 0);
    }
}

/// A route is known once the name is, which is before the handshake.
#[tokio::test]
async fn tls_route_refuses_before_the_handshake() {
    let origin = echo().await;
    let authority = Authority::new("authority");
    let issued = authority.site(&["open.test", "closed.test"]);
    let settings = TlsTermination::new(issued.certificate());
    let named = |name: &str, policies: Vec<Policy>| {
        let route = StreamRoute::new(StreamRouteKind::Tls, name)
            .with_hostname(Hostname::new(name).unwrap())
            .with_backend(BackendRef::new("origin".into()));
        policies.into_iter().fold(route, StreamRoute::with_policy)
    };
    let listener = Listener::new("tls", 0, Protocol::Tls(TlsMode::Terminate(settings.into())))
        .with_stream_route(named("open.test", vec![]))
        .with_stream_route(named("closed.test", vec![deny(&["127.0.0.0/8"])]));
    let gateway = serve(configuration(listener, origin.address()));
    let client = TlsClient::trusting(&authority);

    let open = client.connect(gateway.address(), "open.test").await;
    assert!(is_served(open.unwrap()).await);
    let closed = client.connect(gateway.address(), "closed.test").await;
    assert!(closed.is_err());

    assert_eq!(origin.connections(), 1);
    assert_eq!(gateway.gateway().connections_refused(), 1);
    let metrics = gateway.gateway().metrics();
    assert_eq!(metrics.addresses[0].handshakes.completed, 1);
    let failed = metrics.addresses[0].handshakes.failures.iter();
    assert_eq!(failed.map(|(_, count)| count).sum::<u64>(), 0);
}

/// AT-ACL-3: one set for listeners of each kind, which say it in their way.
#[tokio::test]
async fn one_set_holds_for_requests_connections_and_sessions() {
    let (http, streams, datagrams) = (Origin::echo().await, echo().await, UdpEcho::start().await);
    let edge = Arc::new(all([deny(&["127.0.0.2", "198.51.100.7"])]));
    let rule = Rule::new().with_backend(BackendRef::new("http".into()));
    let web = Site::new()
        .rule(rule)
        .listener("web")
        .with_trusted_proxies(TrustedProxies::hops(1))
        .with_policies(Arc::clone(&edge));
    let own = |kind, backend: &str| {
        StreamRoute::new(kind, backend).with_backend(BackendRef::new(backend.into()))
    };
    let tcp = Listener::new("tcp", 0, Protocol::Tcp)
        .with_stream_route(own(StreamRouteKind::Tcp, "tcp"))
        .with_policies(Arc::clone(&edge));
    let udp = Listener::new("udp", 0, Protocol::Udp)
        .with_stream_route(own(StreamRouteKind::Udp, "udp"))
        .with_policies(edge);
    let at = |name: &str, last, listener| {
        let address = Ipv4Addr::new(127, 0, 1, last).into();
        Edge::new(name)
            .with_address(address)
            .with_listener(listener)
    };
    let gateway = serve(
        Configuration::new()
            .with_gateway(at("web", 1, web))
            .with_gateway(at("tcp", 2, tcp))
            .with_gateway(Edge::new("udp").with_address(LOCALHOST).with_listener(udp))
            .with_backend("http", Backend::new([http.address()]))
            .with_backend("tcp", Backend::new([streams.address()]))
            .with_backend("udp", Backend::new([datagrams.address])),
    );
    let addresses = gateway.gateway().addresses();

    let mut client = Client::http1(addresses[0]).await;
    for (forwarded_for, status) in [
        ("198.51.100.7, 192.0.2.1", 200),
        ("192.0.2.1, 198.51.100.7", 403),
    ] {
        let request = get("a.test", "/", &[("x-forwarded-for", forwarded_for)]);
        assert_eq!(client.call(request).await.status, status);
    }
    for (client, enters) in [(LOCALHOST, true), (OTHER, false)] {
        assert_eq!(serves(addresses[1], client).await, enters);
    }
    is_answered(&sender(LOCALHOST, &gateway).await).await;
    is_dropped(&sender(OTHER, &gateway).await, &gateway).await;
}
