//! Listeners of a Gateway.

use crate::api::Gateway;
use crate::testing::{Manifests, Outcome, SHOP};
use crate::verdict::ConditionStatus::{False, True, Unknown};
use crate::verdict::ConditionType::{Accepted, Conflicted, Programmed, ResolvedRefs};
use crate::verdict::Reason;

fn gateway(listeners: &[&str]) -> Manifests {
    Manifests::new().gateway("edge/web", |gateway| {
        listeners
            .iter()
            .fold(gateway, |gateway, listener| gateway.listener(listener))
    })
}

#[test]
fn gateway_invalid_route_kind() {
    let only_unknown = gateway(&[
        "{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: InvalidRoute}]}}",
    ])
    .resolve();
    let both = gateway(&["{name: a, port: 80, protocol: HTTP, \
         allowedRoutes: {kinds: [{kind: InvalidRoute}, {kind: HTTPRoute}]}}"])
    .resolve();

    let listener = only_unknown.gateway("edge/web").listener("a");
    listener.says(ResolvedRefs, False, Reason::InvalidRouteKinds);
    assert!(listener.kinds().is_empty());
    let listener = both.gateway("edge/web").listener("a");
    listener.says(ResolvedRefs, False, Reason::InvalidRouteKinds);
    assert_eq!(listener.kinds(), ["HTTPRoute"]);
    both.gateway("edge/web")
        .says(ResolvedRefs, False, Reason::ListenersNotResolved);
}

#[test]
fn gateway_listener_unsupported_protocol() {
    let invalid = "{name: bad, port: 81, protocol: INVALID}";
    let alone = gateway(&[invalid]).resolve();
    let beside = gateway(&[invalid, "{name: good, port: 80, protocol: HTTP}"]).resolve();

    for outcome in [&alone, &beside] {
        let listener = outcome.gateway("edge/web").listener("bad");
        listener.says(Accepted, False, Reason::UnsupportedProtocol);
        listener.says(Programmed, False, Reason::Invalid);
        assert!(listener.kinds().is_empty());
    }
    alone
        .gateway("edge/web")
        .says(Accepted, False, Reason::ListenersNotValid);
    beside
        .gateway("edge/web")
        .says(Accepted, True, Reason::ListenersNotValid);
    beside
        .gateway("edge/web")
        .listener("good")
        .says(Accepted, True, Reason::Accepted);
    assert!(alone.model("edge/web").is_none());
    assert_eq!(beside.model("edge/web").unwrap().listeners().len(), 1);
}

fn https(reference: &str) -> Manifests {
    gateway(&[&format!(
        "{{name: tls, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{reference}]}}}}"
    )])
}

fn refuses_certificate(outcome: &Outcome, reason: Reason) {
    let listener = outcome.gateway("edge/web").listener("tls");
    listener.says(ResolvedRefs, False, reason);
    listener.says(Programmed, False, Reason::Invalid);
    assert_eq!(listener.kinds(), ["HTTPRoute", "GRPCRoute"]);
}

#[test]
fn gateway_invalid_tls_configuration() {
    let world = |reference: &str| {
        https(reference)
            .secret("edge/hello", "Hello world", "Hello world")
            .secret("edge/no-key", SHOP.certificate, SHOP.certificate)
            .resolve()
    };

    for reference in [
        "{name: no-such}",
        "{group: example.com, name: hello}",
        "{kind: ConfigMap, name: hello}",
        "{name: hello}",
        "{name: no-key}",
    ] {
        refuses_certificate(&world(reference), Reason::InvalidCertificateRef);
    }
}

#[test]
fn a_certificate_with_its_key_is_resolved() {
    let outcome = https("{name: good}")
        .tls_secret("edge/good", SHOP)
        .resolve();

    outcome
        .gateway("edge/web")
        .listener("tls")
        .says(ResolvedRefs, True, Reason::ResolvedRefs);
}

#[test]
fn gateway_secret_reference_grant() {
    let world = https("{namespace: vault, name: good}").tls_secret("vault/good", SHOP);
    let all = ("Gateway", "edge");

    let specific = world
        .clone()
        .grant("vault/g", all, ("Secret", Some("good")));
    let in_namespace = world.clone().grant("vault/g", all, ("Secret", None));
    for granted in [specific, in_namespace] {
        let outcome = granted.resolve();
        outcome
            .gateway("edge/web")
            .listener("tls")
            .says(ResolvedRefs, True, Reason::ResolvedRefs);
    }
    let wrong = world
        .clone()
        .grant("vault/g", all, ("Secret", Some("other")));
    let missing = world
        .clone()
        .without::<k8s_openapi::api::core::v1::Secret>("vault/good");
    for refused in [world, wrong, missing] {
        refuses_certificate(&refused.resolve(), Reason::RefNotPermitted);
    }
}

#[test]
fn what_is_in_a_secret_is_in_no_message() {
    let outcome = https("{name: bad}")
        .secret("edge/bad", "canary-1", "canary-2")
        .resolve();

    assert!(!format!("{:?}", outcome.resolved).contains("canary"));
}

#[test]
fn listeners_that_cannot_be_told_apart_are_both_refused() {
    let outcome = gateway(&[
        "{name: a, port: 80, protocol: HTTP, hostname: a.com}",
        "{name: b, port: 80, protocol: HTTP, hostname: A.com}",
        "{name: c, port: 80, protocol: HTTP, hostname: c.com}",
        "{name: d, port: 81, protocol: HTTP, hostname: a.com}",
    ])
    .resolve();

    for name in ["a", "b"] {
        let listener = outcome.gateway("edge/web").listener(name);
        listener.says(Conflicted, True, Reason::HostnameConflict);
        listener.says(Accepted, False, Reason::HostnameConflict);
        listener.says(Programmed, False, Reason::HostnameConflict);
    }
    for name in ["c", "d"] {
        let listener = outcome.gateway("edge/web").listener(name);
        listener.says(Accepted, True, Reason::Accepted);
        assert!(!listener.has(Conflicted));
    }
    assert_eq!(outcome.model("edge/web").unwrap().listeners().len(), 2);
}

#[test]
fn two_protocols_on_one_port_conflict() {
    let outcome = gateway(&[
        "{name: a, port: 80, protocol: HTTP}",
        "{name: b, port: 80, protocol: HTTPS}",
        "{name: c, port: 80, protocol: UDP}",
    ])
    .resolve();

    for name in ["a", "b"] {
        let listener = outcome.gateway("edge/web").listener(name);
        listener.says(Conflicted, True, Reason::ProtocolConflict);
    }
    assert!(!outcome.gateway("edge/web").listener("c").has(Conflicted));
}

#[test]
fn listeners_of_connections_or_datagrams_do_not_share_a_port() {
    for protocol in ["TCP", "UDP"] {
        let listener =
            |name: &str, port: u16| format!("{{name: {name}, port: {port}, protocol: {protocol}}}");
        let outcome = gateway(&[&listener("a", 53), &listener("b", 53), &listener("c", 54)]);
        let outcome = outcome
            .edit::<Gateway>("edge/web", |gateway| {
                let all = serde_json::json!({"namespaces": {"from": "All"}});
                gateway.spec.allowed_listeners = Some(serde_json::from_value(all).unwrap());
            })
            .listener_set("shop/more", "edge/web", &format!("[{}]", listener("d", 54)))
            .resolve();

        // Of one object nobody may choose; of two, the second has lost.
        let told = outcome.gateway("edge/web");
        let set = outcome.listener_set("shop/more");
        for loser in [told.listener("a"), told.listener("b"), set.listener("d")] {
            for (kind, status) in [(Conflicted, True), (Accepted, False), (Programmed, False)] {
                loser.says(kind, status, Reason::HostnameConflict);
            }
            let message = loser.message(Accepted);
            assert!(message.contains("nothing tells them apart"), "{message}");
        }
        told.listener("c").says(Accepted, True, Reason::Accepted);
        let served = outcome.model("edge/web").unwrap().listeners();
        assert_eq!(served.len(), 1, "{protocol}");
    }
}

#[test]
fn gateway_http_listener_isolation() {
    let outcome = gateway(&[
        "{name: all, port: 80, protocol: HTTP}",
        "{name: wild, port: 80, protocol: HTTP, hostname: '*.example.com'}",
        "{name: foo, port: 80, protocol: HTTP, hostname: '*.foo.example.com'}",
        "{name: abc, port: 80, protocol: HTTP, hostname: abc.foo.example.com}",
    ])
    .resolve();

    assert_eq!(outcome.model("edge/web").unwrap().listeners().len(), 4);
    outcome
        .gateway("edge/web")
        .says(Accepted, True, Reason::Accepted);
    outcome
        .gateway("edge/web")
        .says(Programmed, Unknown, Reason::Pending);
}

#[test]
fn values_a_listener_cannot_have_refuse_only_it() {
    for bad in [
        "{name: bad, port: 0, protocol: HTTP}",
        "{name: bad, port: 70000, protocol: HTTP}",
        "{name: bad, port: 81, protocol: HTTP, hostname: 'a_b'}",
        "{name: bad, port: 81, protocol: HTTP, tls: {certificateRefs: [{name: a}]}}",
        "{name: bad, port: 81, protocol: HTTP, filters: {requests: []}}",
        "{name: bad, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: Some}}}",
        "{name: bad, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector}}}",
        "{name: bad, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, \
         selector: {matchExpressions: [{key: a, operator: Almost}]}}}}",
    ] {
        let outcome = gateway(&[bad, "{name: good, port: 80, protocol: HTTP}"]).resolve();

        let listener = outcome.gateway("edge/web").listener("bad");
        listener.says(Accepted, False, Reason::UnsupportedValue);
        assert_eq!(
            outcome.model("edge/web").unwrap().listeners().len(),
            1,
            "{bad}"
        );
    }
}

#[test]
fn two_listeners_of_one_name_refuse_the_gateway() {
    let outcome = gateway(&[
        "{name: a, port: 80, protocol: HTTP}",
        "{name: a, port: 81, protocol: HTTP}",
    ])
    .resolve();

    outcome
        .gateway("edge/web")
        .says(Accepted, False, Reason::Invalid);
    assert!(outcome.model("edge/web").is_none());
}

#[test]
fn fields_without_effect_are_told() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway.http(80).spec(|spec| {
                spec.default_scope = Some("All".into());
                spec.allowed_listeners = Some(
                    serde_json::from_value(serde_json::json!({
                        "namespaces": {"from": "Some"}
                    }))
                    .unwrap(),
                );
            })
        })
        .resolve();

    let warnings = outcome.warnings::<Gateway>("edge/web");
    let fields: Vec<_> = warnings
        .iter()
        .filter_map(|one| one.field.as_deref())
        .collect();
    assert_eq!(
        fields,
        ["spec.defaultScope", "spec.allowedListeners.namespaces"]
    );
}
