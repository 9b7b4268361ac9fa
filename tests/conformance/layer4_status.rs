//! What TLSRoutes, TCPRoutes and UDPRoutes are told; where they lead is another matter.

use gateway_k8s::api::{TcpRoute, TlsRoute, UdpRoute};
use gateway_k8s::verdict::ConditionType::{Accepted, ResolvedRefs};
use gateway_k8s::verdict::Reason;

use crate::status::{False, Listener};
use crate::suite::Suite;

#[tokio::test]
async fn tcproute_invalid_backendref_nonexistent() {
    let Some(suite) = Suite::start(&["tcproute-invalid-backendref-nonexistent"]).await else {
        return;
    };

    suite.route_of_is::<TcpRoute>(
        "tcp-gateway-invalid-backend",
        "tcp-route-invalid-backend-ref-nonexistent",
        ResolvedRefs,
        False,
        Reason::BackendNotFound,
    );
}

#[tokio::test]
async fn tcproute_invalid_cross_namespace_backend_ref() {
    let Some(suite) = Suite::start(&["tcproute-invalid-cross-namespace-backend-ref"]).await else {
        return;
    };

    suite.route_of_is::<TcpRoute>(
        "tcp-invalid-cross-namespace-backend-ref-gateway",
        "tcp-invalid-cross-namespace-backend-ref",
        ResolvedRefs,
        False,
        Reason::RefNotPermitted,
    );
}

#[tokio::test]
async fn tcproute_invalid_non_tcp_listener() {
    let Some(suite) = Suite::start(&["tcproute-invalid-non-tcp-listener"]).await else {
        return;
    };

    let gateway = "tcp-mixed-protocol-gateway";
    let reason = Reason::NotAllowedByListeners;
    suite.route_of_is::<TcpRoute>(gateway, "tcp-route", Accepted, False, reason);
    suite.zero_routes(gateway);
}

#[tokio::test]
async fn tlsroute_invalid_no_matching_listener() {
    let Some(suite) = Suite::start(&["tlsroute-invalid-no-matching-listener"]).await else {
        return;
    };

    for (gateway, route, reason) in [
        (
            "gateway-tlsroute-http-only",
            "tlsroute-not-allowed-protocol-http",
            Reason::NotAllowedByListeners,
        ),
        (
            "gateway-tlsroute-https-only",
            "tlsroute-not-allowed-protocol-https",
            Reason::NotAllowedByListeners,
        ),
        (
            "gateway-tlsroute-tls-passthrough-only",
            "tlsroute-no-matching-section-name",
            Reason::NoMatchingParent,
        ),
    ] {
        suite.route_of_is::<TlsRoute>(gateway, route, Accepted, False, reason);
        suite.zero_routes(gateway);
    }
}

#[tokio::test]
async fn tlsroute_invalid_no_matching_listener_hostname() {
    let name = "tlsroute-invalid-no-matching-listener-hostname";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };

    let reason = Reason::NoMatchingListenerHostname;
    for (gateway, route) in [
        ("gateway-tls-exact-hostname", "tlsroute-hostname-mismatch-1"),
        (
            "gateway-tls-wildcard-hostname",
            "tlsroute-hostname-mismatch-2",
        ),
    ] {
        suite.route_of_is::<TlsRoute>(gateway, route, Accepted, False, reason);
        suite.zero_routes(gateway);
    }
}

#[tokio::test]
async fn tlsroute_listener_passthrough_supported_kinds() {
    let name = "tlsroute-listener-passthrough-supported-kinds";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };

    let listener = Listener {
        name: "tls-passthrough",
        routes: 0,
        kinds: &["TLSRoute"],
        conditions: &[(ResolvedRefs, False, Some(Reason::InvalidRouteKinds))],
    };
    suite.listeners("gateway-tlsroute-passthrough-supported-kind", &[listener]);
}

#[tokio::test]
async fn udproute_invalid_backendref_nonexistent() {
    let Some(suite) = Suite::start(&["udproute-invalid-backendref-nonexistent"]).await else {
        return;
    };

    suite.route_of_is::<UdpRoute>(
        "udp-gateway-invalid-backend",
        "udp-route-invalid-backend-ref-nonexistent",
        ResolvedRefs,
        False,
        Reason::BackendNotFound,
    );
}

#[tokio::test]
async fn udproute_invalid_cross_namespace_backend_ref() {
    let Some(suite) = Suite::start(&["udproute-invalid-cross-namespace-backend-ref"]).await else {
        return;
    };

    suite.route_of_is::<UdpRoute>(
        "udp-gateway-invalid-cross-namespace-backend-ref",
        "udp-route-invalid-cross-namespace-backend-ref",
        ResolvedRefs,
        False,
        Reason::RefNotPermitted,
    );
}

#[tokio::test]
async fn udproute_not_allowed_by_listeners() {
    let Some(suite) = Suite::start(&["udproute-not-allowed-by-listeners"]).await else {
        return;
    };

    let gateway = "udproute-tls-only-gateway";
    let route = "udproute-not-allowed-by-listeners";
    let reason = Reason::NotAllowedByListeners;
    suite.route_of_is::<UdpRoute>(gateway, route, Accepted, False, reason);
    suite.zero_routes(gateway);
}
