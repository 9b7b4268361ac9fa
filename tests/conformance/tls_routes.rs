//! Where TLSRoutes lead.

use std::io::ErrorKind;
use std::net::SocketAddr;

use gateway_k8s::api::TlsRoute;
use gateway_k8s::verdict::ConditionType::{Accepted, ResolvedRefs};
use gateway_k8s::verdict::Reason;
use gateway_tests::TlsClient;
use serde_json::json;

use crate::cluster::INFRA;
use crate::exchange::{Exchange, get};
use crate::keys::KEYS;
use crate::line;
use crate::status::{False, Listener, True};
use crate::suite::Suite;

fn client() -> TlsClient {
    TlsClient::trusting(&KEYS.checks)
}

/// A request of `host` inside a connection that asks for it.
fn request(host: &str) -> Exchange {
    get("/").host(host).over_tls(&client(), host)
}

/// A TCP backend is reached, over TLS that asks for `inner`, or in the clear.
pub(crate) async fn reaches(gateway: SocketAddr, name: &str, inner: Option<&str>) {
    for _ in 0..3 {
        let stream = client().connect(gateway, name).await;
        let answer = line::talk(stream.expect("a handshake")).await;
        let (is_tls, identity) = answer.expect("an answer");
        line::is_of(&identity, INFRA, "tcp-backend");
        assert_eq!(is_tls, inner.is_some(), "{identity}");
        assert_eq!(identity["tls"]["serverName"], json!(inner));
    }
}

/// The connection ends before TLS says anything.
async fn is_rejected(gateway: SocketAddr, name: &str) {
    for _ in 0..3 {
        let stream = client().connect(gateway, name).await;
        let error = stream.expect_err("a rejection");
        let kind = error.kind();
        let ended = matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset);
        assert!(ended, "{error:?}");
    }
}

/// A listener for TLSRoutes alone.
const fn listener(name: &'static str, routes: u32) -> Listener<'static> {
    Listener {
        name,
        routes,
        kinds: &["TLSRoute"],
        conditions: &[(Accepted, True, Some(Reason::Accepted))],
    }
}

#[tokio::test]
async fn tlsroute_simple_same_namespace() {
    let Some(suite) = Suite::start(&["tlsroute-simple-same-namespace"]).await else {
        return;
    };
    let route = "gateway-conformance-infra-test";
    let address = suite.accepted_of::<TlsRoute>("gateway-tlsroute", &[route]);
    reaches(address, "abc.example.com", Some("abc.example.com")).await;
}

#[tokio::test]
async fn tlsroute_terminate_simple_same_namespace() {
    let Some(suite) = Suite::start(&["tlsroute-terminate-simple-same-namespace"]).await else {
        return;
    };
    let route = "tlsroute-terminated-test";
    let address = suite.accepted_of::<TlsRoute>("gateway-tlsroute-terminate", &[route]);
    reaches(address, "tls.example.com", None).await;
}

#[tokio::test]
async fn tlsroute_mixed_termination_same_namespace() {
    let name = "tlsroute-mixed-termination-same-namespace";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "gateway-tlsroute-mixed-termination";
    let routes = [
        "gateway-conformance-mixed-passthroughroute",
        "gateway-conformance-mixed-terminateroute",
    ];
    let address = suite.accepted_of::<TlsRoute>(gateway, &routes);
    let listeners = [listener("tls-terminate", 1), listener("tls-passthrough", 1)];
    suite.listeners(gateway, &listeners);
    reaches(address, "tls.example.com", None).await;
    reaches(address, "abc.example.com", Some("abc.example.com")).await;
}

#[tokio::test]
async fn tlsroute_listener_terminate_supported_kinds() {
    let name = "tlsroute-listener-terminate-supported-kinds";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "gateway-tlsroute-terminate-supported";
    suite.listeners(gateway, &[listener("tls-terminate", 0)]);
}

#[tokio::test]
async fn tlsroute_hostname_intersection() {
    let Some(suite) = Suite::start(&["tlsroute-hostname-intersection"]).await else {
        return;
    };
    for (gateway, routes, stranger) in [
        (
            "gw-tlsroute-exact-hostname-x-1",
            &["tlsroute-more-specific-wc-hostname-x-1"][..],
            "non.matching.com",
        ),
        (
            "gw-tlsroute-more-specific-wc-hostname-x-2",
            &[
                "tlsroute-exact-hostname-x-2",
                "tlsroute-less-specific-wc-hostname-x-2",
            ],
            "non.matching.com",
        ),
        (
            "gw-tlsroute-less-specific-wc-hostname-x-3",
            &[
                "tlsroute-exact-hostname-x-3",
                "tlsroute-more-specific-wc-hostname-x-3",
            ],
            "non.matching.com",
        ),
        (
            "gw-tlsroute-empty-hostname-x-4",
            &[
                "tlsroute-exact-hostname-x-4",
                "tlsroute-less-specific-wc-hostname-x-4",
            ],
            "non.matching.org",
        ),
    ] {
        let address = suite.accepted_of::<TlsRoute>(gateway, routes);
        for route in routes {
            suite.resolved_of::<TlsRoute>(gateway, route);
        }
        let exact = request("abc.example.com").reaches("tls-backend");
        suite.expect(address, [exact]).await;
        if routes.len() > 1 {
            let other = request("other.example.com").reaches("tls-backend-2");
            suite.expect(address, [other]).await;
        }
        is_rejected(address, stranger).await;
    }
}

#[tokio::test]
async fn tlsroute_multiple_routes_attachment_same_hostname_intersection() {
    let name = "tlsroute-multiple-routes-attachment-same-hostname-intersection";
    let Some(mut suite) = Suite::start(&[name]).await else {
        return;
    };
    for (gateway, older, newer, hostname) in [
        (
            "gw-tlsroute-exact-hostname-x",
            "tlsroute-wc-hostname-x-older",
            "tlsroute-exact-hostname-x-newer",
            "abc.example.com",
        ),
        (
            "gw-tlsroute-wc-hostname-x",
            "tlsroute-less-specific-wc-hostname-x-older",
            "tlsroute-more-specific-wc-hostname-x-newer",
            "*.example.com",
        ),
    ] {
        suite.accepted_of::<TlsRoute>(gateway, &[older]);
        suite.add_younger("TLSRoute", older, newer, "tls-backend-2", Some(hostname));
        let address = suite.accepted_of::<TlsRoute>(gateway, &[older, newer]);
        let exchange = request("abc.example.com").reaches("tls-backend-2");
        suite.expect(address, [exchange]).await;
    }
}

#[tokio::test]
async fn tlsroute_invalid_backendref_nonexistent() {
    let Some(suite) = Suite::start(&["tlsroute-invalid-backendref-nonexistent"]).await else {
        return;
    };
    let gateway = "gateway-tlsroute-invalid-backend-ref-nonexistent";
    let route = "invalid-backend-ref-nonexistent";
    let address = suite.accepted_of::<TlsRoute>(gateway, &[route]);
    let reason = Reason::BackendNotFound;
    suite.route_of_is::<TlsRoute>(gateway, route, ResolvedRefs, False, reason);
    is_rejected(address, "example.com").await;
}

#[tokio::test]
async fn tlsroute_invalid_backendref_unknown_kind() {
    let Some(suite) = Suite::start(&["tlsroute-invalid-backendref-unknown-kind"]).await else {
        return;
    };
    let gateway = "gateway-tlsroute-invalid-backend-ref-unknown-kind";
    let route = "invalid-backend-ref-unknown-kind";
    let address = suite.accepted_of::<TlsRoute>(gateway, &[route]);
    let reason = Reason::InvalidKind;
    suite.route_of_is::<TlsRoute>(gateway, route, ResolvedRefs, False, reason);
    is_rejected(address, "example.com").await;
}

#[tokio::test]
async fn tlsroute_invalid_reference_grant() {
    let Some(suite) = Suite::start(&["tlsroute-invalid-reference-grant"]).await else {
        return;
    };
    let gateway = "gateway-tlsroute-referencegrant";
    let route = "gateway-conformance-infra-test";
    suite.accepted_of::<TlsRoute>(gateway, &[route]);
    let reason = Reason::RefNotPermitted;
    suite.route_of_is::<TlsRoute>(gateway, route, ResolvedRefs, False, reason);
}

#[tokio::test]
async fn httproute_disallowed_kind() {
    let Some(suite) = Suite::start(&["httproute-disallowed-kind"]).await else {
        return;
    };
    let (gateway, route) = ("tlsroutes-only", "disallowed-kind");
    suite.resolved(gateway, route);
    let reason = Reason::NotAllowedByListeners;
    suite.route_is(gateway, route, Accepted, False, reason);
    suite.no_accepted_parents(route);
    suite.zero_routes(gateway);
}
