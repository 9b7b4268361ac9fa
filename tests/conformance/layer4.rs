//! Where TCPRoutes and UDPRoutes lead.

use std::net::SocketAddr;

use futures_util::{StreamExt, stream};
use gateway_k8s::api::{TcpRoute, UdpRoute};
use gateway_k8s::verdict::ConditionType::{Accepted, ResolvedRefs};
use gateway_k8s::verdict::Reason;

use crate::cluster::{APP, INFRA, WEB};
use crate::line;
use crate::status::{False, Listener, True};
use crate::suite::Suite;

/// A listener without routes of other kinds.
const fn listener(
    name: &'static str,
    routes: u32,
    kinds: &'static [&'static str],
) -> Listener<'static> {
    Listener {
        name,
        routes,
        kinds,
        conditions: &[(Accepted, True, None), (ResolvedRefs, True, None)],
    }
}

async fn tcp_reaches(gateway: SocketAddr, namespace: &str, deployment: &str) {
    for _ in 0..3 {
        let identity = line::tcp(gateway).await.expect("an answer");
        line::is_of(&identity, namespace, deployment);
    }
}

async fn udp_reaches(gateway: SocketAddr, namespace: &str, deployment: &str) {
    for _ in 0..3 {
        let identity = line::udp(gateway).await.expect("an answer");
        line::is_of(&identity, namespace, deployment);
    }
}

fn delete(suite: &mut Suite, kind: &str, name: &str) {
    suite.edit(|objects| {
        let before = objects.len();
        objects.retain(|one| one["kind"] != kind || one["metadata"]["name"] != name);
        assert_eq!(objects.len(), before - 1);
    });
}

#[tokio::test]
async fn tcproute_multiple_routes_attachment() {
    let Some(mut suite) = Suite::start(&["tcproute-multiple-routes-attachment"]).await else {
        return;
    };
    let gateway = "tcp-multi-route-attach-gateway";
    let (older, newer) = ("tcproute-attach-older", "tcproute-attach-newer");
    suite.accepted_of::<TcpRoute>(gateway, &[older]);
    suite.add_younger("TCPRoute", older, newer, "tcp-attach-backend-2", None);

    let address = suite.accepted_of::<TcpRoute>(gateway, &[older, newer]);
    suite.listeners(gateway, &[listener("tcp", 2, &["TCPRoute"])]);
    for _ in 0..100 {
        let identity = line::tcp(address).await.unwrap();
        line::is_of(&identity, INFRA, "tcp-attach-backend-1");
    }
}

#[tokio::test]
async fn tcproute_parentref_attach_all() {
    let Some(suite) = Suite::start(&["tcproute-parentref-attach-all"]).await else {
        return;
    };
    let gateway = "tcp-attach-all-gateway";
    suite.accepted_of::<TcpRoute>(gateway, &["tcp-route-attach-all"]);
    for listener in ["one", "two", "three", "four"] {
        let address = suite.address(gateway, listener);
        tcp_reaches(address, INFRA, "tcp-echo-attach-all").await;
    }
}

#[tokio::test]
async fn tcproute_parentref_port_and_section_name() {
    let name = "tcproute-parentref-port-and-section-name";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "tcp-multi-listener-gateway";
    for (route, listener, backend) in [
        ("tcp-route-by-port", "one", "tcp-echo-one"),
        ("tcp-route-by-section", "two", "tcp-echo-two"),
        ("tcp-route-by-section-and-port", "three", "tcp-echo-three"),
    ] {
        suite.accepted_of::<TcpRoute>(gateway, &[route]);
        tcp_reaches(suite.address(gateway, listener), INFRA, backend).await;
    }
}

#[tokio::test]
async fn tcproute_reference_grant() {
    let Some(mut suite) = Suite::start(&["tcproute-reference-grant"]).await else {
        return;
    };
    let (gateway, route) = ("tcp-reference-grant-gateway", "tcp-reference-grant");
    let address = suite.accepted_of::<TcpRoute>(gateway, &[route]);
    tcp_reaches(address, WEB, "tcp-reference-grant-backend").await;

    delete(&mut suite, "ReferenceGrant", "tcp-reference-grant");
    let reason = Reason::RefNotPermitted;
    suite.route_of_is::<TcpRoute>(gateway, route, ResolvedRefs, False, reason);
    line::tcp(address).await.unwrap_err();
}

#[tokio::test]
async fn tcproute_weighted_routing() {
    let Some(suite) = Suite::start(&["tcproute-weighted-routing"]).await else {
        return;
    };
    let address = suite.accepted_of::<TcpRoute>("tcp-weighted-gateway", &["tcp-weighted-route"]);
    let all = stream::iter(0..500).map(|_| line::tcp(address));
    let answers: Vec<_> = all.buffer_unordered(10).collect().await;
    let answers: Result<Vec<_>, _> = answers.into_iter().collect();
    line::are_shared(&answers.unwrap(), ["tcp-backend-v1", "tcp-backend-v2"]);
}

#[tokio::test]
async fn udproute() {
    let Some(suite) = Suite::start(&["udproute-simple"]).await else {
        return;
    };
    let address = suite.accepted_of::<UdpRoute>("udp-gateway", &["udp-route"]);
    udp_reaches(address, INFRA, "udp-echo").await;
}

#[tokio::test]
async fn udproute_multiple_routes_attachment() {
    let Some(mut suite) = Suite::start(&["udproute-multiple-routes-attachment"]).await else {
        return;
    };
    let gateway = "udp-multi-route-attach-gateway";
    let (older, newer) = ("udproute-attach-older", "udproute-attach-newer");
    suite.accepted_of::<UdpRoute>(gateway, &[older]);
    suite.add_younger("UDPRoute", older, newer, "udp-attach-backend-2", None);

    let address = suite.accepted_of::<UdpRoute>(gateway, &[older, newer]);
    suite.listeners(gateway, &[listener("udp", 2, &["UDPRoute"])]);
    for _ in 0..20 {
        let identity = line::udp(address).await.unwrap();
        line::is_of(&identity, INFRA, "udp-attach-backend-1");
    }
}

#[tokio::test]
async fn udproute_parentref_attach_all_listeners() {
    let name = "udproute-parentref-attach-all-listeners";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "udp-attach-all-listeners-gateway";
    suite.accepted_of::<UdpRoute>(gateway, &["udp-route-attach-all"]);
    let names = ["udp-1", "udp-2", "udp-3"];
    let listeners = names.map(|name| listener(name, 1, &["UDPRoute"]));
    suite.listeners(gateway, &listeners);
    for name in names {
        let address = suite.address(gateway, name);
        udp_reaches(address, INFRA, "udp-echo-attach-all").await;
    }
}

#[tokio::test]
async fn udproute_parentref_port_and_section_name() {
    let name = "udproute-parentref-port-and-section-name";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    let gateway = "udp-multi-listener-gateway";
    for (route, listener) in [
        ("udp-route-by-port", "by-port"),
        ("udp-route-by-section", "by-section"),
        ("udp-route-by-section-and-port", "by-section-and-port"),
    ] {
        suite.accepted_of::<UdpRoute>(gateway, &[route]);
        let address = suite.address(gateway, listener);
        udp_reaches(address, INFRA, &format!("udp-echo-{listener}")).await;
    }
}

#[tokio::test]
async fn udproute_reference_grant() {
    let Some(mut suite) = Suite::start(&["udproute-reference-grant"]).await else {
        return;
    };
    let gateway = "udp-gateway-reference-grant";
    let route = "udp-route-reference-grant";
    let address = suite.accepted_of::<UdpRoute>(gateway, &[route]);
    suite.resolved_of::<UdpRoute>(gateway, route);
    udp_reaches(address, APP, "udp-echo-reference-grant").await;

    delete(&mut suite, "ReferenceGrant", "udp-reference-grant");
    let reason = Reason::RefNotPermitted;
    suite.route_of_is::<UdpRoute>(gateway, route, ResolvedRefs, False, reason);
}

#[tokio::test]
async fn udproute_weighted_routing() {
    let Some(suite) = Suite::start(&["udproute-weighted-routing"]).await else {
        return;
    };
    let address = suite.accepted_of::<UdpRoute>("udp-weighted-gateway", &["udp-weighted-route"]);
    let all = stream::iter(0..500).map(|_| line::udp(address));
    let answers: Vec<_> = all.buffer_unordered(10).collect().await;
    let answers: Result<Vec<_>, _> = answers.into_iter().collect();
    line::are_shared(&answers.unwrap(), ["udp-backend-v1", "udp-backend-v2"]);
}
