//! TCPRoutes, TLSRoutes and UDPRoutes.

use gateway_core::model::{BackendTarget, StreamRouteKind};
use k8s_openapi::api::core::v1::Service;

use crate::api::{TcpRoute, TlsRoute, UdpRoute};
use crate::testing::{Manifests, SHOP};
use crate::verdict::ConditionType::{Accepted, ResolvedRefs};
use crate::verdict::Reason;

fn route(name: &str, parent: &str, more: &str) -> String {
    format!(
        "{{metadata: {{namespace: shop, name: {name}}}, spec: {{\
         parentRefs: [{{namespace: edge, name: web{parent}}}], {more}}}}}"
    )
}

const BACKEND: &str = "rules: [{backendRefs: [{name: s, port: 9000}]}]";

fn world() -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway
                .listener("{name: tcp, port: 1000, protocol: TCP}")
                .from_all()
                .listener("{name: udp, port: 1000, protocol: UDP}")
                .from_all()
                .listener(
                    "{name: pass, port: 443, protocol: TLS, hostname: '*.example.com', \
                     tls: {mode: Passthrough}}",
                )
                .from_all()
                .listener(
                    "{name: end, port: 444, protocol: TLS, tls: {certificateRefs: [{name: shop}]}}",
                )
                .from_all()
                .http(80)
                .from_all()
        })
        .tls_secret("edge/shop", SHOP)
        .yaml::<Service>(
            "{metadata: {namespace: shop, name: s}, spec: {ports: [\
             {name: t, port: 9000, appProtocol: mysql}, {name: u, port: 9000, protocol: UDP}, \
             {name: only, port: 9001, protocol: UDP}, {name: tls, port: 9002}]}}",
        )
        .yaml::<k8s_openapi::api::discovery::v1::EndpointSlice>(
            "{metadata: {namespace: shop, name: s-1, labels: {kubernetes.io/service-name: s}}, \
             addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [\
             {name: t, port: 1}, {name: u, port: 2, protocol: UDP}]}",
        )
}

#[test]
fn connections_and_datagrams_go_to_different_ports_of_one_number() {
    let outcome = world()
        .yaml::<TcpRoute>(&route("t", "", BACKEND))
        .yaml::<UdpRoute>(&route("u", "", BACKEND))
        .resolve();

    outcome.route_of::<TcpRoute>("shop/t").accepts(Accepted);
    outcome.route_of::<TcpRoute>("shop/t").accepts(ResolvedRefs);
    outcome.route_of::<UdpRoute>("shop/u").accepts(ResolvedRefs);
    for (listener, kind, port) in [
        ("tcp", StreamRouteKind::Tcp, 1),
        ("udp", StreamRouteKind::Udp, 2),
    ] {
        let [route] = outcome.streams_of("edge/web", listener) else {
            panic!("{listener}");
        };
        assert_eq!(route.kind(), kind);
        let BackendTarget::Backend(id) = route.backends()[0].target() else {
            panic!("{route:?}");
        };
        let backend = &outcome.resolved.configuration.backends()[id];
        let shown = format!("{:?}", backend.endpoints());
        assert!(shown.contains(&format!("10.0.0.1:{port}")), "{shown}");
    }
    // It has no hostname to choose by, and takes what a TLS listener decrypts.
    assert_eq!(outcome.streams_of("edge/web", "end").len(), 1);
    assert!(outcome.streams_of("edge/web", "pass").is_empty());
}

#[test]
fn hostnames_are_those_in_common() {
    let with = |name: &str, hostnames: &str| {
        route(
            name,
            ", sectionName: pass",
            &format!("hostnames: [{hostnames}], {BACKEND}"),
        )
    };
    let outcome = world()
        .yaml::<TlsRoute>(&with("in", "a.example.com"))
        .yaml::<TlsRoute>(&with("out", "a.example.org, '*.example.org'"))
        .yaml::<TlsRoute>(&with("bad", "10.0.0.1"))
        .resolve();

    outcome.route_of::<TlsRoute>("shop/in").accepts(Accepted);
    let out = outcome.route_of::<TlsRoute>("shop/out");
    out.refuses(Accepted, Reason::NoMatchingListenerHostname);
    let bad = outcome.route_of::<TlsRoute>("shop/bad");
    bad.refuses(Accepted, Reason::UnsupportedValue);
    let names = outcome.streams_of("edge/web", "pass");
    assert_eq!(names.len(), 1);
    // Only what is accepted is counted.
    let listener = outcome.gateway("edge/web").listener("pass");
    assert_eq!(listener.verdict.attached_routes, 1);
}

#[test]
fn routes_are_kept_from_listeners_of_other_protocols() {
    let outcome = world()
        .yaml::<TcpRoute>(&route("t", ", sectionName: http-80", BACKEND))
        .yaml::<TlsRoute>(&route("l", ", sectionName: http-80", BACKEND))
        .yaml::<UdpRoute>(&route("u", ", sectionName: pass", BACKEND))
        .http_route("shop/h", |route| route.section("edge/web", "pass"))
        .resolve();

    let reason = Reason::NotAllowedByListeners;
    outcome
        .route_of::<TcpRoute>("shop/t")
        .refuses(Accepted, reason);
    outcome
        .route_of::<TlsRoute>("shop/l")
        .refuses(Accepted, reason);
    outcome
        .route_of::<UdpRoute>("shop/u")
        .refuses(Accepted, reason);
    outcome.route("shop/h").refuses(Accepted, reason);
    outcome.route("shop/h").accepts(ResolvedRefs);
}

#[test]
fn every_route_of_a_port_counts_and_the_data_plane_knows_their_age() {
    let outcome = world()
        .yaml::<TcpRoute>(&route("a", ", port: 1000", BACKEND))
        .yaml::<TcpRoute>(&route("b", ", port: 1000", BACKEND))
        .created::<TcpRoute>("shop/a", 7)
        .created::<TcpRoute>("shop/b", 3)
        .resolve();

    let listener = outcome.gateway("edge/web").listener("tcp");
    assert_eq!(listener.verdict.attached_routes, 2);
    let routes = outcome.streams_of("edge/web", "tcp").iter();
    let mut ages: Vec<_> = routes
        .map(|route| (route.created(), route.name().name()))
        .collect();
    ages.sort_unstable();
    assert_eq!(ages, [(3, "b"), (7, "a")]);
}

#[test]
fn references_that_lead_nowhere_are_told_apart() {
    for (kind, backend, reason) in [
        ("tcp", "{name: no-such, port: 1}", Reason::BackendNotFound),
        ("tcp", "{name: s, port: 5}", Reason::BackendNotFound),
        ("tcp", "{name: s, port: 9001}", Reason::UnsupportedProtocol),
        ("udp", "{name: s, port: 9002}", Reason::UnsupportedProtocol),
        (
            "tcp",
            "{name: s, port: 9000, kind: Pod}",
            Reason::InvalidKind,
        ),
        (
            "udp",
            "{name: s, port: 9000, namespace: other}",
            Reason::RefNotPermitted,
        ),
    ] {
        let text = route("r", "", &format!("rules: [{{backendRefs: [{backend}]}}]"));
        let world = match kind {
            "tcp" => world().yaml::<TcpRoute>(&text),
            _ => world().yaml::<UdpRoute>(&text),
        };
        let outcome = world.resolve();

        let told = match kind {
            "tcp" => outcome.route_of::<TcpRoute>("shop/r"),
            _ => outcome.route_of::<UdpRoute>("shop/r"),
        };
        told.accepts(Accepted);
        told.refuses(ResolvedRefs, reason);
        let served = &outcome.streams_of("edge/web", kind)[0];
        assert!(matches!(
            served.backends()[0].target(),
            BackendTarget::Invalid(_)
        ));
    }
}

#[test]
fn a_grant_is_for_one_kind_of_route() {
    let text = route(
        "r",
        "",
        "rules: [{backendRefs: [{name: s, port: 80, namespace: b}]}]",
    );
    let outcome = world()
        .service("b/s", 80, &["10.0.0.1"])
        .grant("b/g", ("TCPRoute", "shop"), ("Service", None))
        .yaml::<TcpRoute>(&text)
        .yaml::<TlsRoute>(&text)
        .resolve();

    outcome.route_of::<TcpRoute>("shop/r").accepts(ResolvedRefs);
    outcome
        .route_of::<TlsRoute>("shop/r")
        .refuses(ResolvedRefs, Reason::RefNotPermitted);
}

#[test]
fn more_or_less_than_one_rule_is_refused() {
    let rule = "{backendRefs: [{name: s, port: 9000}]}";
    for rules in [String::new(), format!("{rule}, {rule}")] {
        let outcome = world()
            .yaml::<TcpRoute>(&route("r", "", &format!("rules: [{rules}]")))
            .resolve();

        outcome
            .route_of::<TcpRoute>("shop/r")
            .refuses(Accepted, Reason::UnsupportedValue);
        assert!(outcome.streams_of("edge/web", "tcp").is_empty());
    }
}
