//! Gateways and their classes.

use std::io;
use std::net::IpAddr;

use gateway_core::model::Configuration;

use crate::api::{Gateway, GatewayClass, GatewayStatus, GatewayStatusAddress};
use crate::resolve::{Resolver, Settings};
use crate::testing::{Manifests, Outcome};
use crate::verdict::ConditionStatus::{False, True, Unknown};
use crate::verdict::ConditionType::{Accepted, Programmed, ResolvedRefs, SupportedVersion};
use crate::verdict::{BindFailure, Reason};

fn failure(address: &str, kind: io::ErrorKind) -> BindFailure {
    BindFailure::new(address.parse().unwrap(), &kind.into())
}

fn addresses(outcome: &Outcome, gateway: &str) -> Vec<String> {
    let addresses = &outcome.gateway(gateway).verdict.addresses;
    addresses.iter().map(IpAddr::to_string).collect()
}

fn pool(addresses: &[&str]) -> Settings {
    Settings::folder().with_pool(addresses.iter().map(|text| text.parse().unwrap()))
}

#[test]
fn every_class_of_our_controller_is_told() {
    let outcome = Manifests::new()
        .yaml::<GatewayClass>(
            "{metadata: {name: second, generation: 7}, \
             spec: {controllerName: gateway-rs.dev/gateway-controller}}",
        )
        .yaml::<GatewayClass>("{metadata: {name: other}, spec: {controllerName: a.com/b}}")
        .resolve();

    assert_eq!(outcome.class("gateway-rs")[0].reason(), Reason::Accepted);
    assert_eq!(outcome.class("second")[0].reason(), Reason::Accepted);
    assert_eq!(
        outcome
            .verdict::<GatewayClass>("second")
            .unwrap()
            .generation,
        Some(7)
    );
    assert!(outcome.verdict::<GatewayClass>("other").is_none());
}

#[test]
fn supported_features_are_sorted() {
    assert!(crate::resolve::FEATURES.is_sorted());
}

#[test]
fn the_release_of_the_crds_is_looked_at_where_there_are_crds() {
    let conditions = |settings: Settings| {
        let outcome = Manifests::new().settings(settings).resolve();
        let said = outcome.class("gateway-rs").iter();
        said.map(|one| (one.kind(), one.status(), one.reason()))
            .collect::<Vec<_>>()
    };

    assert_eq!(
        conditions(Settings::folder()),
        [(Accepted, True, Reason::Accepted)]
    );
    assert_eq!(
        conditions(Settings::cluster().with_releases(["v1.7.0"])),
        [
            (Accepted, True, Reason::Accepted),
            (SupportedVersion, True, Reason::SupportedVersion)
        ]
    );
    for others in [&["v1.0.0"][..], &["unknown", "v1.7.0"]] {
        assert_eq!(
            conditions(Settings::cluster().with_releases(others.iter().copied())),
            [
                (Accepted, True, Reason::Accepted),
                (SupportedVersion, False, Reason::UnsupportedVersion)
            ]
        );
    }
}

#[test]
fn parameters_of_a_class_refuse_it_and_its_gateways() {
    let outcome = Manifests::new()
        .edit::<GatewayClass>("gateway-rs", |class| {
            class.spec.parameters_ref = Some(Default::default());
        })
        .gateway("edge/web", |gateway| gateway.http(80))
        .resolve();

    assert_eq!(
        outcome.class("gateway-rs")[0].reason(),
        Reason::InvalidParameters
    );
    outcome
        .gateway("edge/web")
        .says(Accepted, False, Reason::InvalidParameters);
}

#[test]
fn gateway_invalid_parameters_ref() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway.http(80).spec(|spec| {
                let infrastructure = spec.infrastructure.get_or_insert_default();
                infrastructure.parameters_ref = Some(Default::default());
            })
        })
        .resolve();

    outcome
        .gateway("edge/web")
        .says(Accepted, False, Reason::InvalidParameters);
    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::Invalid);
    assert!(outcome.model("edge/web").is_none());
}

#[test]
fn a_missing_class_is_told_in_a_folder_and_left_alone_in_a_cluster() {
    let world = Manifests::empty().gateway("edge/web", |gateway| gateway.http(80));

    let outcome = world.resolve();
    let warning = &outcome.warnings::<Gateway>("edge/web")[0];
    assert_eq!(warning.message, "there is no GatewayClass gateway-rs");
    assert!(
        warning
            .remedy
            .as_deref()
            .unwrap()
            .contains("gateway-rs.dev/gateway-controller")
    );

    let outcome = world.settings(Settings::cluster()).resolve();
    assert!(outcome.verdict::<Gateway>("edge/web").is_none());
}

#[test]
fn gateway_name_maximum_length() {
    let name = format!("edge/{}", "a".repeat(253));
    let outcome = Manifests::new()
        .gateway(&name, |gateway| gateway.http(80))
        .resolve();

    outcome
        .gateway(&name)
        .says(Accepted, True, Reason::Accepted);
}

#[test]
fn gateway_static_addresses() {
    let world = |texts: &[&str]| {
        Manifests::new()
            .gateway("edge/web", |gateway| {
                texts
                    .iter()
                    .fold(gateway.http(80), |gateway, text| gateway.address(text))
            })
            .resolve()
            .programmed(&[failure("192.0.2.1:80", io::ErrorKind::AddrNotAvailable)])
    };
    let (bad, unusable, usable) = (
        "{type: test/fake, value: a}",
        "{value: 192.0.2.1}",
        "{type: IPAddress, value: 127.0.0.1}",
    );

    let outcome = world(&[bad, unusable, usable]);
    outcome
        .gateway("edge/web")
        .says(Accepted, False, Reason::UnsupportedAddress);
    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::Invalid);
    assert!(addresses(&outcome, "edge/web").is_empty());

    let outcome = world(&[unusable, usable]);
    outcome
        .gateway("edge/web")
        .says(Accepted, True, Reason::Accepted);
    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::AddressNotUsable);
    outcome
        .gateway("edge/web")
        .listener("http-80")
        .says(Programmed, True, Reason::Programmed);

    let outcome = world(&[usable]);
    outcome
        .gateway("edge/web")
        .says(Programmed, True, Reason::Programmed);
    assert_eq!(addresses(&outcome, "edge/web"), ["127.0.0.1"]);
}

#[test]
fn gateway_optional_address_value() {
    let world = Manifests::new().gateway("edge/web", |gateway| {
        gateway.http(80).address("{type: IPAddress}")
    });

    let outcome = world.clone().settings(pool(&["10.0.0.1"])).resolve();
    assert_eq!(addresses(&outcome, "edge/web"), ["10.0.0.1"]);
    assert!(
        world
            .resolve()
            .model("edge/web")
            .unwrap()
            .addresses()
            .is_empty()
    );
}

#[test]
fn other_types_of_addresses_are_refused() {
    for text in [
        "{type: Hostname, value: a.com}",
        "{value: a.com}",
        "{value: 10.0.0.1, routability: Cluster}",
    ] {
        let outcome = Manifests::new()
            .gateway("edge/web", |gateway| gateway.http(80).address(text))
            .resolve();

        outcome
            .gateway("edge/web")
            .says(Accepted, False, Reason::UnsupportedAddress);
    }
}

#[test]
fn the_pool_goes_to_the_oldest_and_named_addresses_stay_out_of_it() {
    let outcome = Manifests::new()
        .gateway("edge/a", |gateway| gateway.created(30).http(80))
        .gateway("edge/b", |gateway| gateway.created(10).http(80))
        .gateway("edge/c", |gateway| {
            gateway.created(40).http(80).address("{value: 10.0.0.1}")
        })
        .gateway("edge/d", |gateway| gateway.created(50).http(80))
        .settings(pool(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]))
        .resolve();

    assert_eq!(addresses(&outcome, "edge/b"), ["10.0.0.2"]);
    assert_eq!(addresses(&outcome, "edge/a"), ["10.0.0.3"]);
    assert_eq!(addresses(&outcome, "edge/c"), ["10.0.0.1"]);
    outcome
        .gateway("edge/d")
        .says(Programmed, False, Reason::AddressNotAssigned);
    assert!(outcome.model("edge/d").is_none());
}

#[test]
fn a_gateway_keeps_the_address_it_had() {
    let outcome = Manifests::new()
        .gateway("edge/old", |gateway| gateway.created(10).http(80))
        .gateway("edge/young", |gateway| gateway.created(20).http(80))
        .edit::<Gateway>("edge/young", |gateway| {
            gateway.status = Some(GatewayStatus {
                addresses: Some(vec![GatewayStatusAddress {
                    value: "10.0.0.1".to_owned(),
                    ..Default::default()
                }]),
                ..Default::default()
            });
        })
        .settings(pool(&["10.0.0.1", "10.0.0.2"]))
        .resolve();

    assert_eq!(addresses(&outcome, "edge/young"), ["10.0.0.1"]);
    assert_eq!(addresses(&outcome, "edge/old"), ["10.0.0.2"]);
}

#[test]
fn an_address_stays_before_any_status_says_so() {
    let before = Manifests::new().gateway("edge/b", |gateway| gateway.created(10).http(80));
    let after = Manifests::new()
        .gateway("edge/a", |gateway| gateway.created(10).http(80))
        .gateway("edge/b", |gateway| gateway.created(10).http(80));
    let mut resolver = Resolver::new(pool(&["10.0.0.1", "10.0.0.2"]));

    let first = resolver.resolve(before.world()).configuration;
    let then = resolver.resolve(after.world()).configuration;

    let address = |configuration: &Configuration, gateway: &str| {
        let mut all = configuration.gateways().iter();
        let found = all.find(|one| one.name().name() == gateway).unwrap();
        found.addresses()[0].to_string()
    };
    assert_eq!(address(&first, "b"), "10.0.0.1");
    assert_eq!(address(&then, "b"), "10.0.0.1");
    assert_eq!(address(&then, "a"), "10.0.0.2");
}

#[test]
fn of_two_gateways_on_one_port_the_older_keeps_it() {
    let outcome = Manifests::new()
        .gateway("edge/a", |gateway| gateway.created(20).http(80).http(8080))
        .gateway("edge/b", |gateway| {
            gateway.created(10).http_for("web", 80, "b.com")
        })
        .http_route("edge/route", |route| route.section("edge/a", "http-80"))
        .resolve();

    let loser = outcome.gateway("edge/a").listener("http-80");
    loser.says(Accepted, False, Reason::PortUnavailable);
    loser.says(Programmed, False, Reason::PortUnavailable);
    outcome
        .gateway("edge/a")
        .says(Accepted, True, Reason::ListenersNotValid);
    outcome
        .gateway("edge/a")
        .listener("http-8080")
        .says(Accepted, True, Reason::Accepted);
    outcome
        .gateway("edge/b")
        .listener("web")
        .says(Accepted, True, Reason::Accepted);
    outcome
        .route("edge/route")
        .refuses(Accepted, Reason::NoMatchingParent);
}

#[test]
fn gateways_on_addresses_of_their_own_share_a_port() {
    let outcome = Manifests::new()
        .gateway("edge/a", |gateway| {
            gateway.http(80).address("{value: 127.0.0.1}")
        })
        .gateway("edge/b", |gateway| {
            gateway.http(80).address("{value: 127.0.0.2}")
        })
        .resolve();

    assert_eq!(outcome.resolved.configuration.gateways().len(), 2);
}

#[test]
fn gateway_invalid_tls_backend_configuration() {
    let world = |reference: serde_json::Value| {
        Manifests::new()
            .gateway("edge/web", |gateway| {
                gateway.http(80).spec(|spec| {
                    let tls = serde_json::json!({"backend": {"clientCertificateRef": reference}});
                    spec.tls = Some(serde_json::from_value(tls).unwrap());
                })
            })
            .secret("edge/hello", "Hello world", "Hello world")
            .resolve()
    };

    for reference in [
        serde_json::json!({"name": "no-such"}),
        serde_json::json!({"name": "hello"}),
        serde_json::json!({"name": "hello", "kind": "ConfigMap"}),
        serde_json::json!({"name": "hello", "group": "a.com"}),
    ] {
        let outcome = world(reference);
        outcome
            .gateway("edge/web")
            .says(ResolvedRefs, False, Reason::InvalidClientCertificateRef);
        outcome
            .gateway("edge/web")
            .says(Accepted, True, Reason::Accepted);
        outcome
            .gateway("edge/web")
            .says(Programmed, Unknown, Reason::Pending);
    }
    let outcome = world(serde_json::json!({"name": "hello", "namespace": "vault"}));
    outcome
        .gateway("edge/web")
        .says(ResolvedRefs, False, Reason::RefNotPermitted);
}

#[test]
fn a_gateway_is_programmed_when_its_sockets_are_there() {
    let resolved = Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80).http(81))
        .resolve();

    resolved
        .gateway("edge/web")
        .says(Programmed, Unknown, Reason::Pending);

    let outcome = resolved.clone().programmed(&[]);
    outcome
        .gateway("edge/web")
        .says(Programmed, True, Reason::Programmed);

    let outcome = resolved
        .clone()
        .programmed(&[failure("[::]:80", io::ErrorKind::AddrInUse)]);
    outcome.gateway("edge/web").listener("http-80").says(
        Programmed,
        False,
        Reason::PortUnavailable,
    );
    outcome
        .gateway("edge/web")
        .listener("http-81")
        .says(Programmed, True, Reason::Programmed);
    outcome
        .gateway("edge/web")
        .says(Programmed, True, Reason::Programmed);

    let outcome = resolved.programmed(&[
        failure("0.0.0.0:80", io::ErrorKind::AddrInUse),
        failure("0.0.0.0:81", io::ErrorKind::PermissionDenied),
    ]);
    outcome
        .gateway("edge/web")
        .says(Programmed, False, Reason::Invalid);
}

#[test]
fn what_was_never_to_be_programmed_does_not_become_so() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway
                .http(80)
                .listener("{name: tls, port: 443, protocol: HTTPS}")
        })
        .resolve()
        .programmed(&[]);

    outcome
        .gateway("edge/web")
        .listener("tls")
        .says(Programmed, False, Reason::Invalid);
}
