//! Which backend a request reaches.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use gateway_core::Gateway;
use gateway_core::model::{
    Backend, BackendProtocol, BackendRef, Configuration, Gateway as Edge, Hostname, Listener,
    PathMatch, Route, RouteMatch, Rule, ValueMatch,
};
use gateway_tests::{Client, Origin, Site, TestGateway, Wire, prefix};
use http::{HeaderName, StatusCode, Version};

fn to(name: &str) -> BackendRef {
    BackendRef::new(name.into())
}

/// An address that refuses connections: it was bound, and is no longer.
async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    listener.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn weights_are_shares_and_zero_gets_nothing() {
    let (a, b, c) = (
        Origin::echo().await,
        Origin::echo().await,
        Origin::echo().await,
    );
    let rule = Rule::new()
        .with_backend(to("a").with_weight(70))
        .with_backend(to("b").with_weight(30))
        .with_backend(to("c").with_weight(0));
    let site = Site::new()
        .rule(rule)
        .backend("a", [a.address()])
        .backend("b", [b.address()])
        .backend("c", [c.address()]);
    let gateway = TestGateway::start(&site);

    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(Client::http1(gateway.address()).await);
    }
    for _ in 0..50 {
        for client in &mut clients {
            assert_eq!(client.get("/").await.status, StatusCode::OK);
        }
    }

    assert_eq!(a.count() + b.count(), 500);
    assert!((325..=375).contains(&a.count()), "{}", a.count());
    assert_eq!(c.count(), 0);
}

#[tokio::test]
async fn share_of_an_invalid_reference_is_answered_with_500() {
    let origin = Origin::echo().await;
    let rule = Rule::new()
        .with_backend(to("good").with_weight(3))
        .with_backend(BackendRef::invalid("no such Service"));
    let gateway = TestGateway::single(&Site::new().rule(rule).backend("good", [origin.address()]));
    let mut client = Client::http1(gateway.address()).await;

    let mut failed = 0;
    for _ in 0..40 {
        let reply = client.get("/").await;
        if reply.status == StatusCode::INTERNAL_SERVER_ERROR {
            assert_eq!(reply.text(), "invalid_backend");
            failed += 1;
        }
    }

    assert_eq!((failed, origin.count()), (10, 30));
}

#[tokio::test]
async fn backend_that_is_not_configured_and_rule_without_backends_are_500() {
    let site = Site::new()
        .rule(
            Rule::new()
                .with_match(prefix("/unknown"))
                .with_backend(to("x")),
        )
        .rule(Rule::new().with_match(prefix("/none")));
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for path in ["/unknown", "/none"] {
        assert_eq!(
            client.get(path).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
}

#[tokio::test]
async fn backend_without_endpoints_is_503() {
    let site = Site::new()
        .rule(Rule::new().with_backend(to("empty")))
        .backend("empty", []);
    let gateway = TestGateway::single(&site);

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.text(), "no_ready_endpoint");
}

#[tokio::test]
async fn endpoint_that_refuses_connections_is_502() {
    let gateway = TestGateway::single(&Site::to(nobody().await));

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::BAD_GATEWAY);
    assert_eq!(reply.text(), "connect");
}

#[tokio::test]
async fn endpoints_can_change_between_two_requests() {
    let (old, new) = (Origin::echo().await, Origin::echo().await);
    let gateway = TestGateway::single(&Site::to(old.address()));
    let mut client = Client::http1(gateway.address()).await;
    client.get("/").await;

    gateway.update(Site::to(new.address()).configuration());
    client.get("/").await;

    assert_eq!((old.count(), new.count()), (1, 1));
}

#[tokio::test]
async fn backend_can_disappear_and_come_back() {
    let origin = Origin::echo().await;
    let there = Site::to(origin.address()).configuration();
    let rule = Rule::new().with_backend(to("origin"));
    let gone = Site::new().rule(rule).configuration();
    let gateway = TestGateway::serve(Gateway::builder().workers(1), there.clone());
    let mut client = Client::http1(gateway.address()).await;

    let mut statuses = Vec::new();
    for configuration in [gone.clone(), there.clone(), gone, there] {
        gateway.update(configuration);
        statuses.push(client.get("/").await.status.as_u16());
    }

    assert_eq!(statuses, [500, 200, 500, 200]);
}

#[tokio::test]
async fn endpoints_are_taken_in_turn() {
    let origins = [
        Origin::echo().await,
        Origin::echo().await,
        Origin::echo().await,
    ];
    let addresses = origins.iter().map(Origin::address);
    let site = Site::new()
        .rule(Rule::new().with_backend(to("three")))
        .backend("three", addresses);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..30 {
        client.get("/").await;
    }

    let counts: Vec<_> = origins.iter().map(Origin::count).collect();
    assert_eq!(counts, [10, 10, 10]);
}

#[tokio::test]
async fn h2c_backend_gets_http2_from_either_client() {
    let origin = Origin::echo_h2c().await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));

    let one = Client::http1(gateway.address()).await.get("/a?b=c").await;
    let two = Client::http2(gateway.address()).await.get("/a?b=c").await;

    assert_eq!(
        (one.version, two.version),
        (Version::HTTP_11, Version::HTTP_2)
    );
    for reply in [one, two] {
        assert_eq!(reply.echo()["proto"], "HTTP/2.0");
        assert_eq!(reply.echo()["path"], "/a?b=c");
        assert_eq!(reply.echo()["host"], "a.test");
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn no_listener_and_no_route_are_404() {
    let origin = Origin::echo().await;
    let site = Site::to(origin.address());
    let hostname = Hostname::new("only.test").unwrap();
    let listener = site.listener("web").with_hostname(hostname);
    let edge = Edge::new("edge")
        .with_address(Ipv4Addr::LOCALHOST.into())
        .with_listener(listener);
    let gateway = TestGateway::serve(
        Gateway::builder().workers(1),
        site.backends().with_gateway(edge),
    );
    let mut wire = Wire::connect(gateway.address()).await;

    let mut statuses = Vec::new();
    for host in ["only.test", "ONLY.test.:80", "other.test", "x.only.test"] {
        wire.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        statuses.push(wire.response().await.unwrap().status);
    }

    assert_eq!(statuses, [200, 200, 404, 404]);
}

#[tokio::test]
async fn most_specific_listener_serves_alone() {
    let (wide, narrow) = (Origin::echo().await, Origin::echo().await);
    let everything = Route::new("everything").with_rule(Rule::new().with_backend(to("wide")));
    let below = RouteMatch::path(PathMatch::prefix("/below").unwrap());
    let only =
        Route::new("only").with_rule(Rule::new().with_match(below).with_backend(to("narrow")));
    let edge = Edge::new("edge")
        .with_address(Ipv4Addr::LOCALHOST.into())
        .with_listener(
            Listener::http("wide", 0)
                .with_hostname(Hostname::new("*.a.test").unwrap())
                .with_route(everything),
        )
        .with_listener(
            Listener::http("narrow", 0)
                .with_hostname(Hostname::new("x.a.test").unwrap())
                .with_route(only),
        );
    let configuration = Configuration::new()
        .with_gateway(edge)
        .with_backend("wide", Backend::new([wide.address()]))
        .with_backend("narrow", Backend::new([narrow.address()]));
    let gateway = TestGateway::serve(Gateway::builder().workers(1), configuration);
    let mut wire = Wire::connect(gateway.address()).await;

    let mut statuses = Vec::new();
    for (host, path) in [
        ("y.a.test", "/"),
        ("x.a.test", "/below/1"),
        ("x.a.test", "/"),
    ] {
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        statuses.push(wire.response().await.unwrap().status);
    }

    assert_eq!(statuses, [200, 200, 404]);
    assert_eq!((wide.count(), narrow.count()), (1, 1));
}

#[tokio::test]
async fn request_falls_through_to_a_wider_route() {
    let (wide, narrow) = (Origin::echo().await, Origin::echo().await);
    let flagged =
        RouteMatch::any().with_header(HeaderName::from_static("x-flag"), ValueMatch::exact("on"));
    let site = Site::new()
        .route(
            Route::new("narrow")
                .with_created(2)
                .with_hostname(Hostname::new("*.a.test").unwrap())
                .with_rule(Rule::new().with_match(flagged).with_backend(to("narrow"))),
        )
        .route(
            Route::new("wide")
                .with_created(1)
                .with_hostname(Hostname::new("*.test").unwrap())
                .with_rule(Rule::new().with_backend(to("wide"))),
        )
        .backend("wide", [wide.address()])
        .backend("narrow", [narrow.address()]);
    let gateway = TestGateway::single(&site);
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send("GET / HTTP/1.1\r\nHost: x.a.test\r\nX-Flag: on\r\n\r\n")
        .await;
    assert_eq!(wire.response().await.unwrap().status, 200);
    wire.send("GET / HTTP/1.1\r\nHost: x.a.test\r\n\r\n").await;
    assert_eq!(wire.response().await.unwrap().status, 200);

    assert_eq!((narrow.count(), wide.count()), (1, 1));
}

#[tokio::test]
async fn gateways_on_one_port_of_different_addresses_do_not_mix() {
    let (one, two) = (Origin::echo().await, Origin::echo().await);
    let edge = |name: &str, last: u8, port| {
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let route = Route::new(name).with_rule(Rule::new().with_backend(to(name)));
        Edge::new(name)
            .with_address(address)
            .with_listener(Listener::http("web", port).with_route(route))
    };
    let backends = Configuration::new()
        .with_backend("one", Backend::new([one.address()]))
        .with_backend("two", Backend::new([two.address()]));
    let configuration = backends
        .with_gateway(edge("one", 1, 0))
        .with_gateway(edge("two", 2, 0));
    let gateway = TestGateway::serve(Gateway::builder().workers(2), configuration);

    let addresses = gateway.gateway().addresses();
    for address in &addresses {
        let status = Client::http1(*address).await.get("/").await.status;
        assert_eq!(status, StatusCode::OK);
    }

    let distinct: HashSet<_> = addresses.iter().map(|address| address.ip()).collect();
    assert_eq!(distinct.len(), 2);
    assert_eq!((one.count(), two.count()), (1, 1));
}

#[tokio::test]
async fn backend_can_change_its_protocol() {
    let (http1, http2) = (Origin::echo().await, Origin::echo_h2c().await);
    let gateway = TestGateway::single(&Site::to(http1.address()));
    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.get("/").await.echo()["proto"], "HTTP/1.1");

    let backend = Backend::new([http2.address()]).with_protocol(BackendProtocol::H2c);
    let rule = Rule::new().with_backend(to("origin"));
    let site = Site::new().rule(rule).backend_of("origin", backend);
    gateway.update(site.configuration());

    assert_eq!(client.get("/").await.echo()["proto"], "HTTP/2.0");
}
