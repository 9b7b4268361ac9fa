//! What Gateways and their listeners are told.

use gateway_k8s::verdict::ConditionType::{Accepted, Programmed, ResolvedRefs};
use gateway_k8s::verdict::Reason;
use serde_json::Value;

use crate::exchange::{V1, get};
use crate::status::{False, Listener, True};
use crate::suite::Suite;

#[tokio::test]
async fn gateway_http_listener_isolation() {
    let both = [
        "gateway-http-listener-isolation",
        "gateway-http-listener-isolation-with-hostname-intersection",
    ];
    let Some(suite) = Suite::start(&both).await else {
        return;
    };
    let (hosts, targets) = (
        [
            "bar.com",
            "bar.example.com",
            "bar.foo.example.com",
            "abc.foo.example.com",
        ],
        [
            "empty-hostname",
            "wildcard-example-com",
            "wildcard-foo-example-com",
            "abc-foo-example-com",
        ],
    );

    for (gateway, suffix) in [
        ("http-listener-isolation", ""),
        (
            "http-listener-isolation-with-hostname-intersection",
            "-with-hostname-intersection",
        ),
    ] {
        let routes = targets.map(|target| format!("attaches-to-{target}{suffix}"));
        let address = suite.accepted(gateway, &routes.each_ref().map(String::as_str));
        for route in &routes {
            suite.resolved(gateway, route);
        }
        for (host, own) in hosts.into_iter().zip(targets) {
            let exchanges = targets.map(|target| {
                let exchange = get(&format!("/{target}")).host(host);
                if target == own {
                    exchange.reaches(V1)
                } else {
                    exchange.is(404)
                }
            });
            suite.expect(address, exchanges).await;
        }
    }
}

#[tokio::test]
async fn gateway_invalid_route_kind() {
    let Some(suite) = Suite::start(&["gateway-invalid-route-kind"]).await else {
        return;
    };
    let invalid = |kinds| Listener {
        name: "http",
        routes: 0,
        kinds,
        conditions: &[(ResolvedRefs, False, Some(Reason::InvalidRouteKinds))],
    };
    suite.listeners("gateway-only-invalid-route-kind", &[invalid(&[])]);
    let gateway = "gateway-supported-and-invalid-route-kind";
    suite.listeners(gateway, &[invalid(&["HTTPRoute"])]);
}

#[tokio::test]
async fn gateway_listener_unsupported_protocol() {
    let manifest = "gateway-invalid-listeners-unsupported-protocol";
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let invalid = || Listener {
        name: "invalid",
        routes: 0,
        kinds: &[],
        conditions: &[(Accepted, False, Some(Reason::UnsupportedProtocol))],
    };
    let only = "gateway-only-unsupported-protocols";
    suite.gateway_is(only, Accepted, False, Reason::ListenersNotValid);
    suite.listeners(only, &[invalid()]);

    let good = Listener {
        conditions: &[(Accepted, True, Some(Reason::Accepted))],
        ..Listener::good("http", 0)
    };
    let both = "gateway-supported-and-unsupported-protocols";
    suite.gateway_is(both, Accepted, True, Reason::ListenersNotValid);
    suite.listeners(both, &[good, invalid()]);
}

#[tokio::test]
async fn gateway_invalid_parameters_ref() {
    let name = "gateway-invalid-parameters-ref";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };
    suite.gateway_is(name, Accepted, False, Reason::InvalidParameters);
}

#[tokio::test]
async fn gateway_name_maximum_length() {
    let Some(suite) = Suite::start(&["gateway-name-maximum-length"]).await else {
        return;
    };
    let rest = "a".repeat(253 - "gateway-name-maximum-length-".len());
    suite.accepted(&format!("gateway-name-maximum-length-{rest}"), &[]);
}

#[tokio::test]
async fn gateway_static_addresses() {
    let name = "gateway-static-addresses";
    let Some(mut suite) = Suite::start(&[name]).await else {
        return;
    };
    let drop_first = |gateway: &mut Value| {
        let addresses = gateway["spec"]["addresses"].as_array_mut().unwrap();
        addresses.remove(0);
    };
    suite.gateway_is(name, Accepted, False, Reason::UnsupportedAddress);

    // The one of a type that nobody has.
    suite.change("Gateway", name, drop_first);
    suite.gateway_is(name, Accepted, True, Reason::Accepted);
    suite.gateway_is(name, Programmed, False, Reason::AddressNotUsable);

    // The one that no machine has.
    suite.change("Gateway", name, drop_first);
    suite.gateway_is(name, Accepted, True, Reason::Accepted);
    suite.gateway_is(name, Programmed, True, Reason::Programmed);
    suite.listeners(name, &[Listener::good("http", 0)]);
    assert_eq!(suite.gateway(name).addresses, [suite.block().usable()]);
}

#[tokio::test]
async fn gateway_optional_address_value() {
    let Some(suite) = Suite::start(&["gateway-optional-address-value"]).await else {
        return;
    };
    let address = suite.accepted("gateway-without-address-value", &[]);
    suite.expect(address, [get("/").is(404)]).await;
}

#[tokio::test]
async fn gateway_with_attached_routes_with_port_8080() {
    let manifest = "gateway-with-attached-routes-with-port-8080";
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let listeners = [
        Listener::good("http-unattached", 0),
        Listener::good("http", 1),
    ];
    suite.listeners(
        "gateway-with-two-listeners-and-one-attached-route",
        &listeners,
    );
}

#[tokio::test]
async fn gateway_with_attached_routes() {
    let Some(suite) = Suite::start(&["gateway-with-attached-routes"]).await else {
        return;
    };
    suite.listeners(
        "gateway-with-one-attached-route",
        &[Listener::good("http", 1)],
    );
    let two = "gateway-with-two-attached-routes";
    suite.listeners(two, &[Listener::good("http", 2)]);
    let reason = Reason::NoMatchingListenerHostname;
    suite.route_is(two, "http-route-not-accepted", Accepted, False, reason);

    let unresolved = "unresolved-gateway-with-one-attached-unresolved-route";
    let listener = Listener {
        name: "tls",
        routes: 1,
        kinds: &["HTTPRoute"],
        conditions: &[(Programmed, False, None), (ResolvedRefs, False, None)],
    };
    suite.listeners(unresolved, &[listener]);
    let reason = Reason::BackendNotFound;
    suite.route_is(unresolved, "http-route-4", ResolvedRefs, False, reason);
}

/// Of the suite's test only the half without HTTPS.
#[tokio::test]
async fn gateway_modify_listeners() {
    let Some(mut suite) = Suite::start(&["gateway-modify-listeners"]).await else {
        return;
    };
    let name = "gateway-remove-listener";
    suite.change("Gateway", name, |gateway| {
        let listeners = gateway["spec"]["listeners"].as_array_mut().unwrap();
        listeners.retain(|listener| listener["name"] == "http");
    });
    suite.accepted(name, &["http-route-2"]);
    suite.listeners(name, &[Listener::good("http", 1)]);
}

/// Listeners that will not be served are told why their references are bad.
async fn unresolved(manifest: &str, gateways: &[&str], listeners: &[&'static str], why: Reason) {
    let Some(suite) = Suite::start(&[manifest]).await else {
        return;
    };
    let conditions = [(ResolvedRefs, False, Some(why))];
    let listeners: Vec<_> = listeners
        .iter()
        .map(|name| Listener {
            name,
            routes: 0,
            kinds: &["HTTPRoute"],
            conditions: &conditions,
        })
        .collect();
    for gateway in gateways {
        suite.listeners(gateway, &listeners);
    }
}

#[tokio::test]
async fn gateway_invalid_tls_configuration() {
    unresolved(
        "gateway-invalid-tls-configuration",
        &[
            "gateway-certificate-nonexistent-secret",
            "gateway-certificate-unsupported-group",
            "gateway-certificate-unsupported-kind",
            "gateway-certificate-malformed-secret",
        ],
        &["https"],
        Reason::InvalidCertificateRef,
    )
    .await;
}

#[tokio::test]
async fn gateway_secret_missing_reference_grant() {
    let name = "gateway-secret-missing-reference-grant";
    let listeners = ["https", "https-nonexistent-secret"];
    unresolved(name, &[name], &listeners, Reason::RefNotPermitted).await;
}

#[tokio::test]
async fn gateway_secret_invalid_reference_grant() {
    let name = "gateway-secret-invalid-reference-grant";
    unresolved(name, &[name], &["https"], Reason::RefNotPermitted).await;
}
