//! Listeners of HTTPS and TLS, and those of TCP and UDP.

use std::sync::Arc;

use gateway_core::model::{ClientValidationMode, Protocol, TlsMode, TlsTermination, TlsVersions};
use k8s_openapi::api::core::v1::Secret;

use crate::api::Gateway;
use crate::resolve::{Resolver, Settings};
use crate::testing::{AUTHORITY, ELSEWHERE, Manifests, Outcome, SHOP, UNRELATED, WILD};
use crate::verdict::ConditionStatus::{False, True, Unknown};
use crate::verdict::ConditionType::{
    Accepted, Conflicted, InsecureFrontendValidationMode, OverlappingTLSConfig, Programmed,
    ResolvedRefs,
};
use crate::verdict::Reason;

fn gateway(listeners: &[&str]) -> Manifests {
    with_tls(listeners, serde_json::Value::Null)
}

fn with_tls(listeners: &[&str], tls: serde_json::Value) -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| {
            let gateway = gateway.spec(|spec| spec.tls = serde_json::from_value(tls).unwrap());
            listeners
                .iter()
                .fold(gateway, |gateway, listener| gateway.listener(listener))
        })
        .tls_secret("edge/shop", SHOP)
        .tls_secret("edge/wild", WILD)
}

fn https(more: &str) -> String {
    format!(
        "{{name: a, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: shop}}], {more}}}}}"
    )
}

fn termination(outcome: &Outcome) -> &Arc<TlsTermination> {
    let listener = outcome.model_listener("edge/web", "a").expect("is served");
    match listener.protocol() {
        Protocol::Https(termination) | Protocol::Tls(TlsMode::Terminate(termination)) => {
            termination
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn https_is_served_with_its_certificates() {
    let outcome = gateway(&["{name: a, port: 443, protocol: HTTPS, \
         tls: {certificateRefs: [{name: shop}, {name: wild}]}}"])
    .resolve();

    let tls = termination(&outcome);
    assert_eq!(tls.certificates().len(), 2);
    assert!(tls.http2() && tls.client_validation().is_none());
    let listener = outcome.gateway("edge/web").listener("a");
    listener.says(Accepted, True, Reason::Accepted);
    listener.says(ResolvedRefs, True, Reason::ResolvedRefs);
    listener.says(Programmed, Unknown, Reason::Pending);
    assert_eq!(listener.kinds(), ["HTTPRoute", "GRPCRoute"]);
}

#[test]
fn one_bad_certificate_of_two_is_told_and_the_other_is_served() {
    let outcome = gateway(&["{name: a, port: 443, protocol: HTTPS, \
         tls: {certificateRefs: [{name: no-such}, {name: wild}]}}"])
    .resolve();

    assert_eq!(termination(&outcome).certificates().len(), 1);
    let listener = outcome.gateway("edge/web").listener("a");
    listener.says(ResolvedRefs, False, Reason::InvalidCertificateRef);
    listener.says(Programmed, Unknown, Reason::Pending);
}

#[test]
fn tls_without_a_certificate_is_not_served() {
    for listener in [
        "{name: a, port: 443, protocol: HTTPS}",
        "{name: a, port: 443, protocol: TLS, tls: {mode: Terminate}}",
        "{name: a, port: 443, protocol: TLS, tls: {certificateRefs: []}}",
    ] {
        let outcome = gateway(&[listener]).resolve();

        assert!(outcome.model("edge/web").is_none(), "{listener}");
        let listener = outcome.gateway("edge/web").listener("a");
        listener.says(ResolvedRefs, False, Reason::InvalidCertificateRef);
        listener.says(Programmed, False, Reason::Invalid);
    }
}

#[test]
fn each_protocol_takes_its_own_kinds_of_routes() {
    let outcome = gateway(&[
        "{name: tcp, port: 1, protocol: TCP}",
        "{name: udp, port: 1, protocol: UDP}",
        "{name: passthrough, port: 2, protocol: TLS, tls: {mode: Passthrough}}",
        "{name: a, port: 3, protocol: TLS, tls: {certificateRefs: [{name: shop}]}}",
    ])
    .resolve();

    let gateway = outcome.gateway("edge/web");
    for (listener, kinds) in [
        ("tcp", &["TCPRoute"][..]),
        ("udp", &["UDPRoute"]),
        ("passthrough", &["TLSRoute"]),
        ("a", &["TLSRoute", "TCPRoute"]),
    ] {
        gateway
            .listener(listener)
            .says(Accepted, True, Reason::Accepted);
        assert_eq!(gateway.listener(listener).kinds(), kinds, "{listener}");
    }
    let protocol = |name: &str| {
        let listener = outcome.model_listener("edge/web", name).unwrap();
        listener.protocol().clone()
    };
    assert_eq!(protocol("tcp"), Protocol::Tcp);
    assert_eq!(protocol("udp"), Protocol::Udp);
    assert_eq!(protocol("passthrough"), Protocol::Tls(TlsMode::Passthrough));
    termination(&outcome);
}

#[test]
fn tlsroute_listener_passthrough_supported_kinds() {
    let outcome = gateway(&[
        "{name: a, port: 443, protocol: TLS, tls: {mode: Passthrough}, \
         allowedRoutes: {kinds: [{kind: TCPRoute}, {kind: TLSRoute}]}}",
    ])
    .resolve();

    let listener = outcome.gateway("edge/web").listener("a");
    listener.says(ResolvedRefs, False, Reason::InvalidRouteKinds);
    listener.says(Programmed, Unknown, Reason::Pending);
    assert_eq!(listener.kinds(), ["TLSRoute"]);
}

#[test]
fn values_that_tls_cannot_have_refuse_the_listener() {
    let good = "{name: good, port: 80, protocol: HTTP}";
    for bad in [
        https("mode: Passthrough"),
        https("mode: Sometimes"),
        https("options: {gateway-rs.dev/tls-min-version: '1.1'}"),
        https(
            "options: {gateway-rs.dev/tls-min-version: '1.3', gateway-rs.dev/tls-max-version: '1.2'}",
        ),
        https("options: {gateway-rs.dev/http2: maybe}"),
        https("options: {gateway-rs.dev/tls-cipher-suites: RC4}"),
        https("options: {gateway-rs.dev/tls-minimum: '1.2'}"),
        "{name: a, port: 443, protocol: TCP, hostname: a.com}".to_owned(),
        "{name: a, port: 443, protocol: UDP, tls: {}}".to_owned(),
    ] {
        let outcome = gateway(&[&bad, good]).resolve();

        let listener = outcome.gateway("edge/web").listener("a");
        listener.says(Accepted, False, Reason::UnsupportedValue);
        assert!(outcome.model_listener("edge/web", "a").is_none(), "{bad}");
    }
}

#[test]
fn options_of_ours_are_obeyed_and_others_are_told() {
    let outcome = gateway(&[&https(
        "options: {gateway-rs.dev/tls-min-version: '1.3', gateway-rs.dev/http2: 'false', \
         gateway-rs.dev/client-identity-header: x-client, \
         gateway-rs.dev/tls-cipher-suites: 'TLS_AES_128_GCM_SHA256,TLS_RSA_WITH_RC4_128_MD5', \
         example.com/other: x}",
    )])
    .resolve();

    let tls = termination(&outcome);
    assert_eq!(tls.versions(), TlsVersions::Tls13);
    assert!(!tls.http2());
    assert_eq!(tls.identity_header().unwrap(), "x-client");
    assert_eq!(*tls.cipher_suites(), ["TLS_AES_128_GCM_SHA256".into()]);
    let warnings = outcome.warnings::<Gateway>("edge/web");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn what_begins_alike_conflicts_and_what_does_not_shares_the_port() {
    let certificate = "certificateRefs: [{name: shop}]";
    let tls = |name: &str, hostname: &str, protocol: &str, mode: &str| {
        format!(
            "{{name: {name}, port: 443, protocol: {protocol}, hostname: {hostname}, \
             tls: {{mode: {mode}, {certificate}}}}}"
        )
    };
    let mixed = gateway(&[
        &tls("a", "a.com", "TLS", "Terminate"),
        &tls("b", "b.com", "TLS", "Passthrough"),
        &tls("c", "c.com", "HTTPS", "Terminate"),
        "{name: udp, port: 443, protocol: UDP}",
    ])
    .resolve();
    for name in ["a", "b", "c", "udp"] {
        let listener = mixed.gateway("edge/web").listener(name);
        listener.says(Accepted, True, Reason::Accepted);
    }

    let same = gateway(&[
        &tls("a", "a.com", "HTTPS", "Terminate"),
        &tls("b", "a.com", "TLS", "Passthrough"),
    ])
    .resolve();
    let clash = gateway(&[
        "{name: a, port: 80, protocol: HTTP}",
        "{name: b, port: 80, protocol: TCP}",
    ])
    .resolve();
    let twice = gateway(&[
        "{name: a, port: 80, protocol: UDP}",
        "{name: b, port: 80, protocol: UDP}",
    ])
    .resolve();
    for (outcome, reason) in [
        (same, Reason::HostnameConflict),
        (clash, Reason::ProtocolConflict),
        (twice, Reason::HostnameConflict),
    ] {
        for name in ["a", "b"] {
            let listener = outcome.gateway("edge/web").listener(name);
            listener.says(Conflicted, True, reason);
        }
    }
}

#[test]
fn listeners_whose_names_overlap_are_told_and_served() {
    let listener = |name: &str, port: u16, hostname: &str, certificate: &str| {
        format!(
            "{{name: {name}, port: {port}, protocol: HTTPS, hostname: '{hostname}', \
             tls: {{certificateRefs: [{{name: {certificate}}}]}}}}"
        )
    };
    let outcome = gateway(&[
        &listener("a", 443, "foo.example.com", "other"),
        &listener("b", 443, "foo.example.org", "another"),
        &listener("c", 443, "*.example.com", "wild"),
        &listener("d", 444, "*.example.com", "wild"),
        &listener("e", 445, "a.test", "wild"),
        &listener("f", 445, "b.test", "shop"),
    ])
    .tls_secret("edge/other", ELSEWHERE)
    .tls_secret("edge/another", UNRELATED)
    .resolve();

    let gateway = outcome.gateway("edge/web");
    for (name, reason) in [
        ("a", Reason::OverlappingHostnames),
        ("c", Reason::OverlappingHostnames),
        ("e", Reason::OverlappingCertificates),
        ("f", Reason::OverlappingCertificates),
    ] {
        let listener = gateway.listener(name);
        listener.says(OverlappingTLSConfig, True, reason);
        listener.says(Accepted, True, Reason::Accepted);
    }
    for name in ["b", "d"] {
        assert!(!gateway.listener(name).has(OverlappingTLSConfig), "{name}");
    }
}

fn frontend(references: &str, mode: &str) -> serde_json::Value {
    let references: serde_json::Value = serde_saphyr::from_str(references).unwrap();
    serde_json::json!({"frontend": {
        "default": {"validation": {"caCertificateRefs": references, "mode": mode}},
        "perPort": [{"port": 8443, "tls": {}}],
    }})
}

#[test]
fn clients_are_asked_for_certificates_except_on_ports_that_say_otherwise() {
    let reference = "[{group: '', kind: ConfigMap, name: ca}]";
    let other = https("").replace("name: a, port: 443", "name: b, port: 8443");
    let world = |mode| {
        with_tls(&[&https(""), &other], frontend(reference, mode))
            .config_map("edge/ca", "ca.crt", AUTHORITY)
            .resolve()
    };

    let strict = world("AllowValidOnly");
    let asked = termination(&strict).client_validation().expect("asks");
    assert_eq!(asked.mode, ClientValidationMode::AllowValidOnly);
    assert_eq!(asked.roots.len(), 1);
    let listener = strict.model_listener("edge/web", "b").unwrap();
    match listener.protocol() {
        Protocol::Https(tls) => assert!(tls.client_validation().is_none()),
        other => panic!("{other:?}"),
    }

    let lax = world("AllowInsecureFallback");
    let asked = termination(&lax).client_validation().expect("asks");
    assert_eq!(asked.mode, ClientValidationMode::AllowInsecureFallback);
    let reason = Reason::ConfigurationChanged;
    lax.gateway("edge/web")
        .says(InsecureFrontendValidationMode, True, reason);
}

#[test]
fn gateway_invalid_frontend_client_certificate_validation() {
    let plain = "{name: plain, port: 80, protocol: HTTP}";
    for (reference, reason) in [
        (
            "{group: '', kind: ConfigMap, name: no-such}",
            Reason::InvalidCACertificateRef,
        ),
        (
            "{group: '', kind: ConfigMap, name: empty}",
            Reason::InvalidCACertificateRef,
        ),
        (
            "{group: '', kind: Service, name: ca}",
            Reason::InvalidCACertificateKind,
        ),
        (
            "{group: '', kind: ConfigMap, name: ca, namespace: vault}",
            Reason::RefNotPermitted,
        ),
    ] {
        let tls = frontend(&format!("[{reference}]"), "AllowValidOnly");
        let outcome = with_tls(&[&https(""), plain], tls)
            .config_map("edge/empty", "other", "x")
            .config_map("vault/ca", "ca.crt", AUTHORITY)
            .resolve();

        let listener = outcome.gateway("edge/web").listener("a");
        listener.says(ResolvedRefs, False, reason);
        listener.says(Accepted, False, Reason::NoValidCACertificate);
        listener.says(Programmed, False, Reason::Invalid);
        let listener = outcome.gateway("edge/web").listener("plain");
        listener.says(ResolvedRefs, True, Reason::ResolvedRefs);
        listener.says(Accepted, True, Reason::Accepted);
        assert!(outcome.model_listener("edge/web", "a").is_none());
    }
}

#[test]
fn authorities_may_be_several_and_of_secrets() {
    let references = "[{group: '', kind: Secret, name: ca, namespace: vault}, \
                       {group: '', kind: ConfigMap, name: no-such}]";
    let outcome = with_tls(&[&https("")], frontend(references, "AllowValidOnly"))
        .grant("vault/g", ("Gateway", "edge"), ("Secret", None))
        .yaml::<Secret>(&format!(
            "{{metadata: {{namespace: vault, name: ca}}, stringData: {{ca.crt: {}}}}}",
            serde_json::json!(AUTHORITY)
        ))
        .resolve();

    assert!(termination(&outcome).client_validation().is_some());
    let listener = outcome.gateway("edge/web").listener("a");
    listener.says(ResolvedRefs, False, Reason::InvalidCACertificateRef);
    listener.says(Accepted, True, Reason::Accepted);
}

#[test]
fn a_secret_that_is_damaged_keeps_its_certificate_and_one_that_is_gone_does_not() {
    let good = gateway(&[&https("")]);
    let damaged = good.clone().secret("edge/shop", "damaged", "damaged");
    let gone = good.clone().without::<Secret>("edge/shop");
    let mut resolver = Resolver::new(Settings::folder());

    let before = Outcome::of(resolver.resolve(good.world()));
    let after = Outcome::of(resolver.resolve(damaged.world()));

    assert!(Arc::ptr_eq(
        &termination(&before).certificates()[0],
        &termination(&after).certificates()[0]
    ));
    let listener = after.gateway("edge/web").listener("a");
    listener.says(ResolvedRefs, False, Reason::InvalidCertificateRef);
    listener.says(Programmed, Unknown, Reason::Pending);
    assert!(listener.message(ResolvedRefs).contains("is still used"));

    let after = Outcome::of(resolver.resolve(gone.world()));
    assert!(after.model("edge/web").is_none());
    // What is damaged from the start has nothing to fall back to.
    let after = Outcome::of(resolver.resolve(damaged.world()));
    assert!(after.model("edge/web").is_none());
}

#[test]
fn a_bad_client_certificate_is_told_and_stops_nothing() {
    let tls = serde_json::json!({"backend": {"clientCertificateRef": {"name": "no-such"}}});
    let outcome = with_tls(&["{name: plain, port: 80, protocol: HTTP}"], tls).resolve();

    let gateway = outcome.gateway("edge/web");
    gateway.says(ResolvedRefs, False, Reason::InvalidClientCertificateRef);
    gateway.says(Accepted, True, Reason::Accepted);
    gateway.says(Programmed, Unknown, Reason::Pending);
}
