//! BackendTLSPolicies, and the certificates that Gateways show to backends.

use std::sync::Arc;

use gateway_core::model::{
    Backend, BackendId, BackendTarget, BackendTls, Filter, SubjectAltName, Trust,
};
use k8s_openapi::api::core::v1::Service;

use crate::api::{BackendTlsPolicy, TlsRoute};
use crate::testing::{AUTHORITY, Manifests, Outcome, SHOP};
use crate::verdict::ConditionType::{Accepted, ResolvedRefs};
use crate::verdict::Reason;

/// Service `shop/cart` with two ports, and a route to both.
fn world() -> Manifests {
    Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).from_all())
        .yaml::<Service>(
            "{metadata: {namespace: shop, name: cart}, spec: {ports: [\
             {name: one, port: 443}, {name: two, port: 8443, appProtocol: https}]}}",
        )
        .config_map("shop/ca", "ca.crt", AUTHORITY)
        .http_route("shop/cart", |route| {
            route
                .parent("edge/web")
                .backend("shop/cart", 443)
                .backend("shop/cart", 8443)
        })
}

fn policy(name: &str, section: &str, validation: &str) -> String {
    format!(
        "{{metadata: {{namespace: shop, name: {name}}}, spec: {{targetRefs: [{{group: '', \
         kind: Service, name: cart{section}}}], validation: {validation}}}}}"
    )
}

const GOOD: &str =
    "{hostname: cart.internal, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}";

fn tls(outcome: &Outcome, port: u16) -> Option<&Arc<BackendTls>> {
    let backend = outcome.backend("shop/cart", port).expect("is a backend");
    backend.tls()
}

#[test]
fn a_policy_without_a_section_is_for_every_port() {
    let outcome = world()
        .yaml::<BackendTlsPolicy>(&policy("p", "", GOOD))
        .resolve();

    for port in [443, 8443] {
        let tls = tls(&outcome, port).expect("is over TLS");
        assert_eq!(&*tls.server_name, "cart.internal");
        assert!(matches!(&tls.trust, Trust::Roots(roots) if roots.len() == 1));
    }
    let told = outcome.route_of::<BackendTlsPolicy>("shop/p");
    told.accepts(Accepted);
    told.accepts(ResolvedRefs);
    assert_eq!(told.verdict.parents[0].parent.name, "web");
    outcome.route("shop/cart").accepts(ResolvedRefs);
}

#[test]
fn without_a_policy_a_port_that_names_tls_is_refused_and_others_are_in_the_clear() {
    let outcome = world().resolve();

    assert!(tls(&outcome, 443).is_none());
    assert!(outcome.backend("shop/cart", 8443).is_none());
    outcome
        .route("shop/cart")
        .refuses(ResolvedRefs, Reason::UnsupportedProtocol);
}

#[test]
fn backendtlspolicy_conflict_resolution() {
    let named = |name: &str| GOOD.replace("cart.internal", name);
    let world = world()
        .yaml::<BackendTlsPolicy>(&policy("whole", "", &named("whole.test")))
        .yaml::<BackendTlsPolicy>(&policy(
            "a-young",
            ", sectionName: one",
            &named("young.test"),
        ))
        .created::<BackendTlsPolicy>("shop/a-young", 9)
        .yaml::<BackendTlsPolicy>(&policy("old", ", sectionName: one", &named("old.test")))
        .created::<BackendTlsPolicy>("shop/old", 3)
        .yaml::<BackendTlsPolicy>(&policy("whole-2", "", &named("whole-2.test")));
    let outcome = world.resolve();

    assert_eq!(&*tls(&outcome, 443).unwrap().server_name, "old.test");
    assert_eq!(&*tls(&outcome, 8443).unwrap().server_name, "whole.test");
    for name in ["shop/whole", "shop/old"] {
        outcome.route_of::<BackendTlsPolicy>(name).accepts(Accepted);
    }
    for name in ["shop/a-young", "shop/whole-2"] {
        outcome
            .route_of::<BackendTlsPolicy>(name)
            .refuses(Accepted, Reason::Conflicted);
    }
}

#[test]
fn a_policy_that_cannot_be_obeyed_leaves_no_backend() {
    let ca = "hostname: a.test, caCertificateRefs";
    for (validation, accepted, resolved) in [
        (format!("{{{ca}: [{{group: '', kind: ConfigMap, name: no}}]}}"),
            Reason::NoValidCACertificate, Some(Reason::InvalidCACertificateRef)),
        (format!("{{{ca}: [{{group: '', kind: ConfigMap, name: empty}}]}}"),
            Reason::NoValidCACertificate, Some(Reason::InvalidCACertificateRef)),
        (format!("{{{ca}: [{{group: x.io, kind: Bundle, name: ca}}]}}"),
            Reason::NoValidCACertificate, Some(Reason::InvalidKind)),
        ("{hostname: a.test}".to_owned(), Reason::Invalid, None),
        ("{hostname: a.test, wellKnownCACertificates: Mine}".to_owned(), Reason::Invalid, None),
        ("{hostname: '*.a.test', wellKnownCACertificates: System}".to_owned(), Reason::Invalid, None),
        (format!("{{{ca}: [{{group: '', kind: ConfigMap, name: ca}}], wellKnownCACertificates: System}}"),
            Reason::Invalid, None),
        ("{hostname: a.test, wellKnownCACertificates: System, subjectAltNames: [{type: Email}]}".to_owned(),
            Reason::Invalid, None),
        ("{hostname: a.test, wellKnownCACertificates: System, subjectAltNames: [{type: URI, uri: x}]}".to_owned(),
            Reason::Invalid, None),
    ] {
        let outcome = world()
            .config_map("shop/empty", "ca.crt", "no certificate")
            .yaml::<BackendTlsPolicy>(&policy("p", "", &validation))
            .resolve();

        assert!(outcome.backend("shop/cart", 443).is_none(), "{validation}");
        let told = outcome.route_of::<BackendTlsPolicy>("shop/p");
        told.refuses(Accepted, accepted);
        match resolved {
            Some(reason) => told.refuses(ResolvedRefs, reason),
            None => told.accepts(ResolvedRefs),
        }
        // The Service is there, and the reference to it is good.
        outcome.route("shop/cart").accepts(ResolvedRefs);
    }
}

#[test]
fn names_and_well_known_authorities_are_read() {
    let outcome = world()
        .yaml::<BackendTlsPolicy>(&policy(
            "p",
            "",
            "{hostname: a.test, wellKnownCACertificates: System, subjectAltNames: [\
             {type: Hostname, hostname: '*.b.test'}, {type: URI, uri: 'spiffe://c/d'}]}",
        ))
        .resolve();

    let tls = tls(&outcome, 443).unwrap();
    assert_eq!(tls.trust, Trust::System);
    assert_eq!(
        tls.subject_alt_names,
        [
            SubjectAltName::Hostname("*.b.test".into()),
            SubjectAltName::Uri("spiffe://c/d".into())
        ]
    );
}

#[test]
fn targets_that_are_not_there_are_told() {
    let lost = policy("lost", "", GOOD).replace("name: cart", "name: no-such");
    let outcome = world()
        .yaml::<BackendTlsPolicy>(&lost)
        .yaml::<BackendTlsPolicy>(&policy("section", ", sectionName: three", GOOD))
        .resolve();

    for name in ["shop/lost", "shop/section"] {
        let warnings = outcome.warnings::<BackendTlsPolicy>(name);
        assert_eq!(warnings[0].reason, Reason::TargetNotFound, "{name}");
    }
    assert!(tls(&outcome, 443).is_none());
}

#[test]
fn a_policy_has_at_most_sixteen_ancestors() {
    let world = (0..20).fold(
        world().yaml::<BackendTlsPolicy>(&policy("p", "", GOOD)),
        |world, index| {
            let name = format!("edge/g{index}");
            world
                .gateway(&name, |gateway| gateway.http(1000 + index).from_all())
                .http_route(&format!("shop/r{index}"), |route| {
                    route.parent(&name).backend("shop/cart", 443)
                })
        },
    );

    let outcome = world.resolve();
    let told = outcome.route_of::<BackendTlsPolicy>("shop/p");
    assert_eq!(told.verdict.parents.len(), 16);
}

fn with_client(world: Manifests) -> Manifests {
    world
        .tls_secret("edge/client", SHOP)
        .gateway("edge/shy", |gateway| {
            gateway.http(81).from_all().spec(|spec| {
                spec.tls = serde_json::from_value(
                    serde_json::json!({"backend": {"clientCertificateRef": {"name": "client"}}}),
                )
                .unwrap();
            })
        })
        .http_route("shop/cart", |route| {
            route
                .parent("edge/web")
                .parent("edge/shy")
                .rule(
                    "{filters: [{type: RequestMirror, requestMirror: {backendRef: \
                     {name: cart, port: 443}}}], backendRefs: [{name: cart, port: 443}]}",
                )
                .backend_ref("{name: plain, port: 80, weight: 2}")
        })
        .service("shop/plain", 80, &["10.0.0.1"])
}

fn backends<'a>(outcome: &'a Outcome, gateway: &str) -> Vec<(&'a BackendId, &'a Arc<Backend>)> {
    let listener = &outcome.model(gateway).unwrap().listeners()[0];
    let rule = &listener.routes()[0].rules()[0];
    let Filter::RequestMirror(mirror) = &rule.filters()[0] else {
        panic!("{rule:?}");
    };
    let targets = rule.backends().iter().map(|backend| backend.target());
    let targets = targets.chain([&mirror.backend]);
    let known = outcome.resolved.configuration.backends();
    targets
        .map(|target| match target {
            BackendTarget::Backend(id) => known.get_key_value(id).expect("is known"),
            BackendTarget::Invalid(reason) => panic!("{reason}"),
        })
        .collect()
}

#[test]
fn a_gateway_shows_its_certificate_to_its_own_backends_and_nobody_elses() {
    let outcome = with_client(world())
        .yaml::<BackendTlsPolicy>(&policy("p", "", GOOD))
        .resolve();

    for (gateway, shows) in [("edge/web", false), ("edge/shy", true)] {
        let found = backends(&outcome, gateway);
        let [secured, plain, mirrored] = found.as_slice() else {
            panic!("{found:?}");
        };
        for (id, backend) in [secured, mirrored] {
            assert_eq!(id.client().is_some(), shows);
            let tls = backend.tls().expect("is over TLS");
            assert_eq!(tls.client_certificate.is_some(), shows);
        }
        assert!(plain.0.client().is_none() && plain.1.tls().is_none());
    }
}

#[test]
fn without_tls_nothing_is_shown_to_backends() {
    let outcome = with_client(world()).resolve();

    for (id, _) in backends(&outcome, "edge/shy") {
        assert!(id.client().is_none(), "{id}");
    }
}

#[test]
fn policies_are_for_connections_too() {
    let outcome = world()
        .gateway("edge/tls", |gateway| {
            gateway
                .listener("{name: a, port: 443, protocol: TLS, tls: {certificateRefs: [{name: c}]}}")
                .from_all()
        })
        .tls_secret("edge/c", SHOP)
        .yaml::<TlsRoute>(
            "{metadata: {namespace: shop, name: t}, spec: {parentRefs: [{namespace: edge, \
             name: tls}], hostnames: [a.test], rules: [{backendRefs: [{name: cart, port: 8443}]}]}}",
        )
        .yaml::<BackendTlsPolicy>(&policy("p", ", sectionName: two", GOOD))
        .resolve();

    assert!(tls(&outcome, 8443).is_some());
    let told = outcome.route_of::<BackendTlsPolicy>("shop/p");
    let names: Vec<_> = told
        .verdict
        .parents
        .iter()
        .map(|one| one.parent.name.as_str())
        .collect();
    assert_eq!(names, ["tls", "web"]);
}
