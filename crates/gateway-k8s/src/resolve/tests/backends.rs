//! What rules refer to.

use gateway_core::model::{
    BackendId, BackendProtocol, BackendTarget, Endpoints, ObjectName, Reach,
};

use super::shop;
use crate::api::XBackend;
use crate::resolve::Settings;
use crate::testing::{AUTHORITY, Manifests, Outcome, SHOP};
use crate::verdict::ConditionType::{Accepted, ResolvedRefs};
use crate::verdict::Reason;
use k8s_openapi::api::core::v1::Service;

fn refuses(outcome: &Outcome, reason: Reason) {
    let route = outcome.route("shop/cart");
    route.accepts(Accepted);
    route.refuses(ResolvedRefs, reason);
    let backends = outcome.rule("shop/cart", 0).backends();
    assert!(matches!(backends[0].target(), BackendTarget::Invalid(_)));
}

fn with_backend(text: &str) -> Manifests {
    shop().http_route("shop/cart", |route| {
        route.parent("edge/web").backend_ref(text)
    })
}

#[test]
fn httproute_invalid_nonexistent_backend_ref() {
    let outcome = with_backend("{name: no-such, port: 8080}").resolve();

    refuses(&outcome, Reason::BackendNotFound);
}

#[test]
fn httproute_invalid_backend_ref_unknown_kind() {
    let outcome = with_backend("{group: example.com, kind: Bucket, name: cart}").resolve();

    refuses(&outcome, Reason::InvalidKind);
}

#[test]
fn httproute_invalid_cross_namespace_backend_ref() {
    let there = shop()
        .service("billing/api", 8080, &["10.0.0.2"])
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("billing/api", 8080)
        });
    let not_there = there.clone().without::<Service>("billing/api");

    refuses(&there.resolve(), Reason::RefNotPermitted);
    refuses(&not_there.resolve(), Reason::RefNotPermitted);
    assert_eq!(
        there.resolve().route("shop/cart").message(ResolvedRefs),
        not_there.resolve().route("shop/cart").message(ResolvedRefs),
    );
}

#[test]
fn httproute_reference_grant() {
    let world = shop()
        .service("billing/api", 8080, &["10.0.0.2"])
        .grant(
            "billing/shop",
            ("HTTPRoute", "shop"),
            ("Service", Some("api")),
        )
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("billing/api", 8080)
        });

    world.resolve().route("shop/cart").accepts(ResolvedRefs);
    assert!(world.resolve().backend("billing/api", 8080).is_some());

    let revoked = world
        .without::<crate::api::ReferenceGrant>("billing/shop")
        .resolve();
    refuses(&revoked, Reason::RefNotPermitted);
    assert!(revoked.backend("billing/api", 8080).is_none());
}

#[test]
fn httproute_partially_invalid_via_invalid_reference_grant() {
    let outcome = shop()
        .service("billing/api", 8080, &["10.0.0.2"])
        .grant("billing/bank", ("HTTPRoute", "bank"), ("Service", None))
        .http_route("shop/cart", |route| {
            route
                .parent("edge/web")
                .backend("billing/api", 8080)
                .rule("{backendRefs: [{name: cart, port: 8080}]}")
        })
        .resolve();

    refuses(&outcome, Reason::RefNotPermitted);
    let id = BackendId::new("Service", ObjectName::new("shop", "cart"), 8080);
    let target = outcome.rule("shop/cart", 1).backends()[0].target();
    assert_eq!(*target, BackendTarget::Backend(id));
}

#[test]
fn httproute_no_backend_refs() {
    let outcome = shop()
        .http_route("shop/cart", |route| {
            route
                .parent("edge/web")
                .rule("{}")
                .rule("{backendRefs: []}")
        })
        .resolve();

    outcome.route("shop/cart").accepts(Accepted);
    outcome.route("shop/cart").accepts(ResolvedRefs);
    assert!(outcome.rule("shop/cart", 0).backends().is_empty());
    assert!(outcome.rule("shop/cart", 1).backends().is_empty());
}

#[test]
fn a_backend_ref_needs_a_port_that_the_service_has() {
    refuses(
        &with_backend("{name: cart}").resolve(),
        Reason::BackendNotFound,
    );

    let outcome = with_backend("{name: cart, port: 9}").resolve();
    refuses(&outcome, Reason::BackendNotFound);
    let problem = outcome
        .resolved
        .verdicts
        .problems()
        .next()
        .unwrap()
        .2
        .clone();
    assert_eq!(
        problem.field.as_deref(),
        Some("spec.rules[0].backendRefs[0].port")
    );
    assert_eq!(
        problem.remedy.as_deref(),
        Some("use one of its ports: 8080")
    );
}

#[test]
fn httproute_backend_protocol() {
    let world = |protocol: Option<&str>| {
        let world = Manifests::new().gateway("edge/web", |gateway| gateway.http(80).from_all());
        let world = world.bare_service("shop/cart", 8080, protocol);
        world
            .http_route("shop/cart", |route| {
                route.parent("edge/web").backend("shop/cart", 8080)
            })
            .resolve()
    };
    let protocol = |text| {
        world(text)
            .backend("shop/cart", 8080)
            .map(|backend| backend.protocol())
    };

    assert_eq!(protocol(None), Some(BackendProtocol::Http1));
    assert_eq!(protocol(Some("http")), Some(BackendProtocol::Http1));
    assert_eq!(
        protocol(Some("kubernetes.io/ws")),
        Some(BackendProtocol::Http1)
    );
    assert_eq!(
        protocol(Some("kubernetes.io/h2c")),
        Some(BackendProtocol::H2c)
    );
    for text in ["https", "kubernetes.io/wss", "mysql"] {
        refuses(&world(Some(text)), Reason::UnsupportedProtocol);
    }
}

#[test]
fn an_external_name_is_no_backend() {
    let outcome = with_backend("{name: cart, port: 8080}")
        .edit::<Service>("shop/cart", |service| {
            let spec = service.spec.get_or_insert_default();
            spec.type_ = Some("ExternalName".to_owned());
            spec.external_name = Some("169.254.169.254".to_owned());
        })
        .resolve();

    refuses(&outcome, Reason::InvalidKind);
}

#[test]
fn a_weight_out_of_range_breaks_the_rule() {
    let outcome = with_backend("{name: cart, port: 8080, weight: -1}").resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::UnsupportedValue);
}

#[test]
fn an_external_hostname_is_looked_up_by_name() {
    let outcome = with_backend("{group: gateway.networking.x-k8s.io, kind: XBackend, name: api}")
        .x_backend(
            "shop/api",
            "{type: ExternalHostname, externalHostname: {hostname: api.example.com}, \
             port: {number: 8443}, protocol: H2C}",
        )
        .resolve();

    outcome.route("shop/cart").accepts(ResolvedRefs);
    let backends = outcome.resolved.configuration.backends();
    let (id, backend) = backends.iter().next().unwrap();
    assert_eq!((id.kind(), id.port()), ("XBackend", 8443));
    assert_eq!(backend.protocol(), BackendProtocol::H2c);
    let Endpoints::Dns { host, port, reach } = backend.endpoints() else {
        panic!("{backend:?}");
    };
    assert_eq!((&**host, *port), ("api.example.com", 8443));
    assert_eq!(*reach, Reach::Anywhere);
    assert!(outcome.verdict::<XBackend>("shop/api").is_some());
}

/// A route to an XBackend that stands for `host`.
fn with_host(host: &str) -> Manifests {
    let reference = "{group: gateway.networking.x-k8s.io, kind: XBackend, name: api}";
    let spec = format!(
        "{{type: ExternalHostname, externalHostname: {{hostname: {host}}}, port: {{number: 80}}}}"
    );
    with_backend(reference).x_backend("shop/api", &spec)
}

#[test]
fn an_external_hostname_leads_out_of_a_cluster_only() {
    let outcome = with_host("api.example.com")
        .settings(Settings::cluster())
        .resolve();

    outcome.route("shop/cart").accepts(ResolvedRefs);
    let backends = outcome.resolved.configuration.backends();
    let Endpoints::Dns { reach, .. } = backends.values().next().unwrap().endpoints() else {
        panic!("{backends:?}");
    };
    assert_eq!(*reach, Reach::Outside);
}

#[test]
fn names_of_the_cluster_are_for_services() {
    for host in ["localhost", "payments", "payments.prod.svc", "svc"] {
        with_host(host)
            .resolve()
            .route("shop/cart")
            .accepts(ResolvedRefs);

        let outcome = with_host(host).settings(Settings::cluster()).resolve();
        refuses(&outcome, Reason::UnsupportedValue);
        assert!(outcome.resolved.configuration.backends().is_empty());
    }
    for host in ["cluster.local", "a.b.svc.CLUSTER.local"] {
        refuses(&with_host(host).resolve(), Reason::UnsupportedValue);
    }
    let lookalike = with_host("a.mycluster.local").settings(Settings::cluster());
    lookalike.resolve().route("shop/cart").accepts(ResolvedRefs);
}

#[test]
fn what_an_x_backend_cannot_do_is_told_on_both_objects() {
    for (spec, reason) in [
        (
            "{type: EndpointSelector, endpointSelector: {matchLabels: {a: b}}, port: {number: 80}}",
            Reason::UnsupportedValue,
        ),
        (
            "{type: ExternalHostname, externalHostname: {hostname: a.svc.cluster.local}, port: {number: 80}}",
            Reason::UnsupportedValue,
        ),
        (
            "{type: ExternalHostname, externalHostname: {hostname: 127.0.0.1}, port: {number: 80}}",
            Reason::UnsupportedValue,
        ),
        (
            "{type: ExternalHostname, externalHostname: {hostname: a.com}, port: {}}",
            Reason::UnsupportedValue,
        ),
        (
            "{type: ExternalHostname, externalHostname: {hostname: a.com}, port: {number: 443}, \
             tls: {mode: ServerOnly, validation: {hostname: a.com}}}",
            Reason::UnsupportedProtocol,
        ),
        (
            "{type: ExternalHostname, externalHostname: {hostname: a.com}, port: {number: 443}, \
             tls: {mode: Sometimes}}",
            Reason::UnsupportedProtocol,
        ),
    ] {
        let reference = "{group: gateway.networking.x-k8s.io, kind: XBackend, name: api}";
        let outcome = with_backend(reference)
            .x_backend("shop/api", spec)
            .resolve();

        refuses(&outcome, reason);
        assert_eq!(
            outcome.warnings::<XBackend>("shop/api")[0].reason,
            reason,
            "{spec}"
        );
    }
}

#[test]
fn an_x_backend_is_spoken_to_over_tls_as_it_says() {
    let spec = |tls: &str| {
        format!(
            "{{type: ExternalHostname, externalHostname: {{hostname: api.example.com}}, \
             port: {{number: 443}}, protocol: HTTP2, tls: {{{tls}}}}}"
        )
    };
    let world = |tls: &str| {
        with_backend("{group: gateway.networking.x-k8s.io, kind: XBackend, name: api}")
            .x_backend("shop/api", &spec(tls))
            .config_map("shop/ca", "ca.crt", AUTHORITY)
            .tls_secret("shop/ours", SHOP)
    };
    let validation = "validation: {hostname: api.internal, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}";
    let tls_of = |outcome: &Outcome| {
        outcome.route("shop/cart").accepts(ResolvedRefs);
        let backends = outcome.resolved.configuration.backends();
        let (_, backend) = backends.iter().next().unwrap();
        assert_eq!(backend.protocol(), BackendProtocol::H2c);
        backend.tls().unwrap().clone()
    };

    let outcome = world(&format!("mode: ServerOnly, {validation}")).resolve();
    let tls = tls_of(&outcome);
    assert_eq!(&*tls.server_name, "api.internal");
    assert!(tls.client_certificate.is_none());
    let client =
        format!("mode: ClientAndServer, {validation}, clientCertificateRef: {{name: ours}}");
    let outcome = world(&client).resolve();
    assert!(tls_of(&outcome).client_certificate.is_some());

    for bad in [
        "mode: ServerOnly",
        "mode: None",
        &format!("mode: ClientAndServer, {validation}"),
        &format!("mode: ClientAndServer, {validation}, clientCertificateRef: {{name: no-such}}"),
        &format!("mode: ServerOnly, {validation}, clientCertificateRef: {{name: ours}}"),
    ] {
        refuses(&world(bad).resolve(), Reason::UnsupportedProtocol);
    }
}

#[test]
fn an_authority_that_comes_later_mends_an_x_backend() {
    let spec = "{type: ExternalHostname, externalHostname: {hostname: a.com}, port: {number: 443}, \
                tls: {mode: ServerOnly, validation: {hostname: a.com, \
                caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}";
    let before = with_backend("{group: gateway.networking.x-k8s.io, kind: XBackend, name: api}")
        .x_backend("shop/api", spec);
    let after = before.clone().config_map("shop/ca", "ca.crt", AUTHORITY);
    let mut resolver = crate::resolve::Resolver::new(crate::resolve::Settings::folder());

    let first = Outcome::of(resolver.resolve(before.world()));
    refuses(&first, Reason::UnsupportedProtocol);
    assert_eq!(first.warnings::<XBackend>("shop/api").len(), 1);
    let second = Outcome::of(resolver.resolve(after.world()));

    second.route("shop/cart").accepts(ResolvedRefs);
    assert!(second.warnings::<XBackend>("shop/api").is_empty());
}
