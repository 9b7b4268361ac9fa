//! Settings that no field of the API has.

use std::time::Duration;

use gateway_core::model::{ConnectionLimits, ProxyVersion, Strangers, UdpSettings};
use k8s_openapi::api::core::v1::Service;

use super::shop;
use crate::api::{Gateway, HttpRoute, ListenerSet, TcpRoute, UdpRoute};
use crate::testing::Manifests;
use crate::verdict::ConditionType::{Accepted, ResolvedRefs};
use crate::verdict::{ConditionStatus, Problem, Reason};

fn world() -> Manifests {
    Manifests::new().gateway("edge/web", |gateway| {
        gateway
            .http(80)
            .from_all()
            .listener("{name: tcp, port: 1000, protocol: TCP}")
            .from_all()
            .listener("{name: dns, port: 53, protocol: UDP}")
            .from_all()
    })
}

fn annotated(annotations: &[(&str, &str)]) -> Manifests {
    let annotate = |world: Manifests, (key, value): &(&str, &str)| {
        world.annotate::<Gateway>("edge/web", key, value)
    };
    annotations.iter().fold(world(), annotate)
}

fn fields(problems: &[Problem]) -> Vec<&str> {
    let fields = problems.iter().map(|problem| problem.field.as_deref());
    fields.map(Option::unwrap_or_default).collect()
}

#[test]
fn listeners_have_what_is_set_for_all_or_for_them() {
    let outcome = annotated(&[
        ("gateway-rs.dev/max-connections", "1000"),
        ("tcp.gateway-rs.dev/max-connections", "10"),
        ("gateway-rs.dev/max-connections-per-client", "5"),
        (
            "tcp.gateway-rs.dev/proxy-protocol-from",
            "10.0.0.0/8, 192.0.2.7",
        ),
        ("tcp.gateway-rs.dev/proxy-protocol-others", "serve"),
        ("gateway-rs.dev/udp-idle-timeout", "10s"),
        ("dns.gateway-rs.dev/udp-max-sessions", "7"),
        ("gateway-rs.dev/udp-max-new-sessions-per-second", "3"),
    ])
    .resolve();

    let listener = |name| outcome.model_listener("edge/web", name).unwrap();
    let limits = |total| ConnectionLimits {
        total: Some(total),
        per_source: Some(5),
    };
    assert_eq!(*listener("http-80").limits(), limits(1000));
    assert!(listener("http-80").proxy_protocol().is_none());
    assert_eq!(*listener("tcp").limits(), limits(10));
    let proxy = listener("tcp").proxy_protocol().unwrap();
    assert!(proxy.trusts([10, 1, 1, 1].into()) && proxy.trusts([192, 0, 2, 7].into()));
    assert!(!proxy.trusts([192, 0, 2, 8].into()));
    assert_eq!(proxy.others(), Strangers::Plain);
    let udp = UdpSettings {
        idle: Duration::from_secs(10),
        max_sessions: 7,
        new_sessions_per_second: Some(3),
    };
    assert_eq!(*listener("dns").udp_settings(), udp);
    assert_eq!(*listener("dns").limits(), ConnectionLimits::default());
    assert!(outcome.warnings::<Gateway>("edge/web").is_empty());
}

#[test]
fn values_that_mean_nothing_refuse_the_listener() {
    for (listener, key, value) in [
        ("tcp", "gateway-rs.dev/max-connections", "many"),
        ("tcp", "gateway-rs.dev/max-connections", "0"),
        ("tcp", "tcp.gateway-rs.dev/max-connections-per-client", "-1"),
        (
            "tcp",
            "tcp.gateway-rs.dev/proxy-protocol-from",
            "10.0.0.0/33",
        ),
        ("tcp", "tcp.gateway-rs.dev/proxy-protocol-from", ""),
        ("tcp", "tcp.gateway-rs.dev/proxy-protocol-others", "maybe"),
        ("dns", "dns.gateway-rs.dev/udp-idle-timeout", "0s"),
        ("dns", "dns.gateway-rs.dev/udp-idle-timeout", "ten"),
    ] {
        let outcome = annotated(&[(key, value)]).resolve();

        let told = outcome.gateway("edge/web");
        let told = told.listener(listener);
        told.says(Accepted, ConditionStatus::False, Reason::UnsupportedValue);
        let field = format!("metadata.annotations.{key}");
        assert!(told.message(Accepted).starts_with(&field), "{key}: {value}");
        assert!(outcome.model_listener("edge/web", listener).is_none());
    }
}

#[test]
fn settings_that_mean_nothing_are_told_of() {
    let outcome = annotated(&[
        ("gateway-rs.dev/max-connection", "1"),
        ("no-such.gateway-rs.dev/max-connections", "1"),
        ("dns.gateway-rs.dev/max-connections", "1"),
        ("tcp.gateway-rs.dev/udp-max-sessions", "1"),
        ("tcp.gateway-rs.dev/proxy-protocol-others", "serve"),
        ("example.com/max-connections", "many"),
    ])
    .resolve();

    let warnings = outcome.warnings::<Gateway>("edge/web");
    let mut fields = fields(warnings);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "metadata.annotations.dns.gateway-rs.dev/max-connections",
            "metadata.annotations.gateway-rs.dev/max-connection",
            "metadata.annotations.no-such.gateway-rs.dev/max-connections",
            "metadata.annotations.tcp.gateway-rs.dev/proxy-protocol-others",
            "metadata.annotations.tcp.gateway-rs.dev/udp-max-sessions",
        ]
    );
    let outcome = world()
        .yaml::<HttpRoute>(
            "{metadata: {namespace: edge, name: h, annotations: {gateway-rs.dev/idle-timeout: 1s}}, \
             spec: {parentRefs: [{name: web}]}}",
        )
        .resolve();
    assert_eq!(outcome.warnings::<HttpRoute>("edge/h").len(), 1);
}

#[test]
fn whoever_adds_a_listener_does_not_change_those_on_its_port() {
    let world = |key: &str| {
        Manifests::new()
            .gateway("edge/web", |gateway| {
                gateway
                    .http_for("one", 80, "one.com")
                    .http_for("two", 80, "two.com")
                    .spec(|spec| {
                        let all = serde_json::json!({"namespaces": {"from": "All"}});
                        spec.allowed_listeners = Some(serde_json::from_value(all).unwrap());
                    })
            })
            .listener_set(
                "shop/more",
                "edge/web",
                "[{name: a, port: 80, protocol: HTTP, hostname: a.com}, \
                 {name: b, port: 81, protocol: HTTP}]",
            )
            .annotate::<ListenerSet>("shop/more", "gateway-rs.dev/proxy-protocol-from", "::/0")
            .annotate::<Gateway>("edge/web", key, "9")
            .resolve()
    };

    for key in [
        "gateway-rs.dev/max-connections",
        "two.gateway-rs.dev/max-connections",
    ] {
        let outcome = world(key);
        for name in ["one", "two", "shop/more/a"] {
            let listener = outcome.model_listener("edge/web", name).unwrap();
            assert!(listener.proxy_protocol().is_none(), "{name}");
            assert_eq!(listener.limits().total, Some(9), "{name}");
        }
        let own_port = outcome.model_listener("edge/web", "shop/more/b").unwrap();
        assert!(own_port.proxy_protocol().is_some());
        let warnings = outcome.warnings::<ListenerSet>("shop/more");
        assert_eq!(fields(warnings), ["spec.listeners[0]"]);
        assert!(outcome.warnings::<Gateway>("edge/web").is_empty());
    }
}

#[test]
fn backends_are_told_whom_connections_are_from_as_they_ask() {
    let version = |key: &str, value: &str| {
        let outcome = shop()
            .http_route("shop/cart", |route| {
                route.parent("edge/web").backend("cart", 8080)
            })
            .annotate::<Service>("shop/cart", key, value)
            .resolve();
        let told = outcome.route("shop/cart");
        let backend = outcome.backend("shop/cart", 8080);
        let warnings = outcome.warnings::<Service>("shop/cart").len();
        match backend {
            Some(backend) => {
                told.accepts(ResolvedRefs);
                Ok((backend.proxy_protocol(), warnings))
            }
            None => {
                told.refuses(ResolvedRefs, Reason::UnsupportedProtocol);
                Err(told.message(ResolvedRefs))
            }
        }
    };

    let whole = "gateway-rs.dev/proxy-protocol";
    assert_eq!(version(whole, "v1"), Ok((Some(ProxyVersion::V1), 0)));
    let port = "8080.gateway-rs.dev/proxy-protocol";
    assert_eq!(version(port, "v2"), Ok((Some(ProxyVersion::V2), 0)));
    assert_eq!(
        version("81.gateway-rs.dev/proxy-protocol", "v2"),
        Ok((None, 1))
    );
    assert_eq!(version("gateway-rs.dev/proxy", "v2"), Ok((None, 1)));
    let told = version(whole, "v3").unwrap_err();
    assert!(told.contains(whole), "{told}");
}

#[test]
fn routes_of_connections_have_timeouts() {
    let route = |kind: &str, annotations: &str| {
        format!(
            "{{metadata: {{namespace: edge, name: {kind}, annotations: {{{annotations}}}}}, spec: {{\
             parentRefs: [{{name: web}}], rules: [{{backendRefs: [{{name: s, port: 1}}]}}]}}}}"
        )
    };
    let both = "gateway-rs.dev/connect-timeout: 2s, gateway-rs.dev/idle-timeout: 1h30m";
    let outcome = world()
        .yaml::<TcpRoute>(&route("t", both))
        .yaml::<UdpRoute>(&route("u", "gateway-rs.dev/idle-timeout: 1s"))
        .yaml::<TcpRoute>(&route("bad", "gateway-rs.dev/idle-timeout: never"))
        .resolve();

    let timeouts = outcome.streams_of("edge/web", "tcp")[0].timeouts();
    assert_eq!(timeouts.connect, Duration::from_secs(2));
    assert_eq!(timeouts.idle, Duration::from_secs(5400));
    assert_eq!(outcome.warnings::<UdpRoute>("edge/u").len(), 1);
    let bad = outcome.route_of::<TcpRoute>("edge/bad");
    bad.refuses(Accepted, Reason::UnsupportedValue);
}
