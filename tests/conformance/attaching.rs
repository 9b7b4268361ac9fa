//! Which routes a Gateway has, and for which hosts.

use gateway_k8s::verdict::ConditionType::Accepted;
use gateway_k8s::verdict::Reason;
use serde_json::{Value, json};

use crate::cluster::{INFRA, WEB};
use crate::exchange::{Exchange, V1, V2, V3, get};
use crate::status::{False, Listener};
use crate::suite::{Suite, check};

#[tokio::test]
async fn httproute_simple_same_namespace() {
    check(
        "httproute-simple-same-namespace",
        "same-namespace",
        &["gateway-conformance-infra-test"],
        [get("/").reaches(V1)],
    )
    .await;
}

#[tokio::test]
async fn httproute_cross_namespace() {
    check(
        "httproute-cross-namespace",
        "backend-namespaces",
        &["gateway-conformance-web-backend/cross-namespace"],
        [get("/").reaches_in(WEB, "web-backend")],
    )
    .await;
}

#[tokio::test]
async fn httproute_multiple_gateways() {
    let Some(suite) = Suite::start(&["httproute-multiple-gateways"]).await else {
        return;
    };
    let shared = "multiple-gateways-shared-route";
    let same = suite.accepted(
        "same-namespace",
        &[shared, "same-namespace-dedicated-route"],
    );
    let all = suite.accepted(
        "all-namespaces",
        &[shared, "all-namespaces-dedicated-route"],
    );

    let exchanges = [get("/shared").reaches(V1), get("/").reaches(V2)];
    suite.expect(same, exchanges).await;
    let exchanges = [get("/shared").reaches(V1), get("/").reaches(V3)];
    suite.expect(all, exchanges).await;
}

#[tokio::test]
async fn httproute_listener_hostname_matching() {
    let host = |host: &str| get("/").host(host);
    check(
        "httproute-listener-hostname-matching",
        "httproute-listener-hostname-matching",
        &["backend-v1", "backend-v2", "backend-v3"],
        [
            host("bar.com").reaches(V1),
            host("foo.bar.com").reaches(V2),
            host("baz.bar.com").reaches(V3),
            host("boo.bar.com").reaches(V3),
            host("multiple.prefixes.bar.com").reaches(V3),
            host("multiple.prefixes.foo.com").reaches(V3),
            host("foo.com").is(404),
            host("no.matching.host").is(404),
        ],
    )
    .await;
}

#[tokio::test]
async fn httproute_listener_port_matching() {
    let Some(suite) = Suite::start(&["httproute-listener-port-matching"]).await else {
        return;
    };
    let gateway = "httproute-listener-port-matching";
    let routes = ["backend-v1", "backend-v2", "backend-v3"];
    suite.accepted(gateway, &routes);
    for route in routes {
        suite.resolved(gateway, route);
    }

    let host = |host: &str| get("/").host(host);
    let address = suite.address(gateway, "listener-1");
    suite.expect(address, [host("foo.com").reaches(V1)]).await;
    let address = suite.address(gateway, "listener-2");
    let exchanges = [
        host("foo.com:8080").reaches(V2),
        host("bar.com:8080").reaches(V2),
    ];
    suite.expect(address, exchanges).await;
    let address = suite.address(gateway, "listener-4");
    let exchanges = [
        host("foo.com:8090").reaches(V3),
        host("bar.com:8090").is(404),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn httproute_hostname_intersection() {
    let Some(suite) = Suite::start(&["httproute-hostname-intersection"]).await else {
        return;
    };
    let gateway = "httproute-hostname-intersection";
    let routes = [
        "specific-host-matches-listener-specific-host",
        "specific-host-matches-listener-wildcard-host",
        "wildcard-host-matches-listener-specific-host",
        "wildcard-host-matches-listener-wildcard-host",
    ];
    let address = suite.accepted(gateway, &routes);
    for route in routes {
        suite.resolved(gateway, route);
    }
    let of = |host: &str, target: &str| get(target).host(host);
    let exchanges = [
        of("very.specific.com", "/s1").reaches(V1),
        of("very.specific.com:1234", "/s1").reaches(V1),
        of("non.matching.com", "/s1").is(404),
        of("foo.nonmatchingwildcard.io", "/s1").is(404),
        of("foo.wildcard.io", "/s1").is(404),
        of("very.specific.com", "/non-matching-prefix").is(404),
        of("foo.wildcard.io", "/s2").reaches(V2),
        of("bar.wildcard.io", "/s2").reaches(V2),
        of("foo.bar.wildcard.io", "/s2").reaches(V2),
        of("non.matching.com", "/s2").is(404),
        of("wildcard.io", "/s2").is(404),
        of("very.specific.com", "/s2").is(404),
        of("foo.wildcard.io", "/non-matching-prefix").is(404),
        of("very.specific.com", "/s3").reaches(V3),
        of("non.matching.com", "/s3").is(404),
        of("foo.specific.com", "/s3").is(404),
        of("foo.wildcard.io", "/s3").is(404),
        of("foo.anotherwildcard.io", "/s4").reaches(V1),
        of("bar.anotherwildcard.io", "/s4").reaches(V1),
        of("foo.bar.anotherwildcard.io", "/s4").reaches(V1),
        of("anotherwildcard.io", "/s4").is(404),
        of("foo.wildcard.io", "/s4").is(404),
        of("very.specific.com", "/s4").is(404),
        of("foo.anotherwildcard.io", "/non-matching-prefix").is(404),
        of("specific.but.wrong.com", "/s5").is(404),
        of("wildcard.io", "/s5").is(404),
    ];
    suite.expect(address, exchanges).await;

    let reason = Reason::NoMatchingListenerHostname;
    suite.route_is(gateway, "no-intersecting-hosts", Accepted, False, reason);
    let attached = [
        Listener::good("listener-1", 2),
        Listener::good("listener-2", 1),
        Listener::good("listener-3", 1),
    ];
    suite.listeners(gateway, &attached);

    let all = "httproute-hostname-intersection-all";
    let address = suite.accepted(all, &[all]);
    suite.resolved(all, all);
    let exchanges = [
        of("first.com", "/").reaches(V2),
        of("sub.first.com", "/").reaches(V2),
        of("second.com", "/").reaches(V2),
        of("sub.second.com", "/").reaches(V2),
        of("third.com", "/").is(404),
        of("sub.third.com", "/").is(404),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn httproute_multiple_routes_attachment_same_hostname_intersection() {
    let manifest = "httproute-multiple-routes-attachment-same-hostname-intersection";
    let Some(mut suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let path = json!({"path": {"type": "PathPrefix", "value": "/path"}});
    let header = json!({
        "path": {"type": "PathPrefix", "value": "/path"},
        "headers": [{"name": "Header-A", "value": "A"}],
    });
    let root = || vec![get("/").reaches(V2)];
    let longer = || get("/path/prefix/longer");
    let passed = || {
        let other = longer().header("Header-B", "B");
        vec![
            other.clone().header("Header-A", "A").reaches(V2),
            other.reaches(V1),
        ]
    };
    let mut attach = async |name: &str, matches: &[&Value], exchanges: Vec<Exchange>| {
        for (gateway, older, newer, hostname) in [
            (
                "exact-hostname-x",
                "wc-hostname-x",
                "exact-hostname-x",
                "abc.example.com",
            ),
            (
                "wc-hostname-x",
                "less-specific-wc-hostname-x",
                "more-specific-wc-hostname-x",
                "*.example.com",
            ),
        ] {
            let gateway = format!("gw-httproute-{gateway}{name}");
            let older = format!("httproute-{older}{name}-older");
            let newer = format!("httproute-{newer}{name}-newer");
            suite.accepted(&gateway, &[&older]);
            let route = route(&newer, &gateway, hostname, matches);
            suite.edit(|objects| objects.push(route));

            let address = suite.accepted(&gateway, &[&older, &newer]);
            suite.resolved(&gateway, &older);
            suite.resolved(&gateway, &newer);
            for exchange in exchanges.clone() {
                let exchange = exchange.host("abc.example.com");
                suite.expect(address, [exchange]).await;
            }
        }
    };

    attach("", &[], root()).await;
    attach("-path", &[&path], vec![longer().reaches(V2)]).await;
    attach("-path-header", &[&header], passed()).await;
}

/// A route of infra-backend-v2 that is younger than what is in the manifests, which
/// have no age.
fn route(name: &str, gateway: &str, hostname: &str, matches: &[&Value]) -> Value {
    let mut rule = json!({"backendRefs": [{"name": V2, "port": 8080}]});
    if !matches.is_empty() {
        rule["matches"] = json!(matches);
    }
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": name,
            "namespace": INFRA,
            "creationTimestamp": "2026-01-01T00:00:01Z",
        },
        "spec": {
            "parentRefs": [{"name": gateway}],
            "hostnames": [hostname],
            "rules": [rule],
        },
    })
}
