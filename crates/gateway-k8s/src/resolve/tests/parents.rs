//! Which listeners a route is attached to.

use super::shop;
use crate::api::HttpRoute;
use crate::testing::{Manifests, Outcome};
use crate::verdict::ConditionStatus::{False, True};
use crate::verdict::ConditionType::{Accepted, ResolvedRefs};
use crate::verdict::Reason;

fn attached(outcome: &Outcome, gateway: &str, listener: &str) -> u32 {
    outcome
        .gateway(gateway)
        .listener(listener)
        .verdict
        .attached_routes
}

#[test]
fn httproute_simple_same_namespace() {
    let outcome = Manifests::new()
        .gateway("shop/web", |gateway| gateway.http(80))
        .service("shop/cart", 8080, &["10.0.0.1"])
        .http_route("shop/cart", |route| {
            route.parent("shop/web").backend("shop/cart", 8080)
        })
        .resolve();

    outcome.route("shop/cart").accepts(Accepted);
    outcome.route("shop/cart").accepts(ResolvedRefs);
    assert_eq!(outcome.routes_of("shop/web", "http-80"), ["shop/cart"]);
    assert_eq!(attached(&outcome, "shop/web", "http-80"), 1);
}

#[test]
fn httproute_cross_namespace() {
    let world = |label: &str| {
        Manifests::new()
            .gateway("edge/web", |gateway| {
                gateway.http(80).allowed_routes(
                    "{namespaces: {from: Selector, selector: {matchLabels: {team: shop}}}}",
                )
            })
            .namespace("shop", &[("team", label)])
            .http_route("shop/cart", |route| route.parent("edge/web"))
            .resolve()
    };

    world("shop").route("shop/cart").accepts(Accepted);
    world("bank")
        .route("shop/cart")
        .refuses(Accepted, Reason::NotAllowedByListeners);
}

#[test]
fn every_namespace_has_its_name_as_a_label() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway.http(80).allowed_routes(
                "{namespaces: {from: Selector, selector: {matchExpressions: \
                 [{key: kubernetes.io/metadata.name, operator: In, values: [shop]}]}}}",
            )
        })
        .http_route("shop/cart", |route| route.parent("edge/web"))
        .http_route("bank/cart", |route| route.parent("edge/web"))
        .resolve();

    outcome.route("shop/cart").accepts(Accepted);
    outcome
        .route("bank/cart")
        .refuses(Accepted, Reason::NotAllowedByListeners);
    assert_eq!(attached(&outcome, "edge/web", "http-80"), 1);
}

#[test]
fn httproute_invalid_cross_namespace_parent_ref() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80))
        .service("shop/cart", 8080, &[])
        .http_route("shop/cart", |route| {
            route.parent("edge/web").backend("shop/cart", 8080)
        })
        .resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::NotAllowedByListeners);
    outcome.route("shop/cart").accepts(ResolvedRefs);
    assert!(!outcome.is_served("shop/cart"));
}

#[test]
fn httproute_invalid_parent_ref_not_matching_section_name() {
    let outcome = shop()
        .http_route("shop/cart", |route| route.section("edge/web", "no-such"))
        .resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::NoMatchingParent);
    assert_eq!(attached(&outcome, "edge/web", "http-80"), 0);
}

#[test]
fn httproute_invalid_parent_ref_not_matching_listener_port() {
    let outcome = shop()
        .http_route("shop/cart", |route| {
            route
                .parent_ref("{namespace: edge, name: web, port: 81}")
                .backend("shop/cart", 8080)
        })
        .resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::NoMatchingParent);
    outcome.route("shop/cart").accepts(ResolvedRefs);
}

#[test]
fn httproute_invalid_parent_ref_section_name_not_matching_port() {
    let outcome = shop()
        .http_route("shop/cart", |route| {
            route.parent_ref("{namespace: edge, name: web, sectionName: http-80, port: 8080}")
        })
        .resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::NoMatchingParent);
}

#[test]
fn httproute_listener_port_matching() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway
                .http_for("one", 80, "one.example.com")
                .http_for("two", 80, "two.example.com")
                .http(8080)
        })
        .http_route("edge/by-port", |route| {
            route.parent_ref("{name: web, port: 80}")
        })
        .resolve();

    assert_eq!(attached(&outcome, "edge/web", "one"), 1);
    assert_eq!(attached(&outcome, "edge/web", "two"), 1);
    assert_eq!(attached(&outcome, "edge/web", "http-8080"), 0);
}

#[test]
fn httproute_hostname_intersection() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway
                .http_for("exact", 80, "very.specific.com")
                .http_for("wild", 80, "*.wildcard.io")
        })
        .http_route("edge/exact", |route| {
            route.parent("edge/web").hostname("*.specific.com")
        })
        .http_route("edge/wild", |route| {
            route.parent("edge/web").hostname("a.b.wildcard.io")
        })
        .http_route("edge/bare", |route| {
            route.parent("edge/web").hostname("wildcard.io")
        })
        .http_route("edge/none", |route| {
            route.parent("edge/web").hostname("example.org")
        })
        .resolve();

    assert_eq!(outcome.routes_of("edge/web", "exact"), ["edge/exact"]);
    assert_eq!(outcome.routes_of("edge/web", "wild"), ["edge/wild"]);
    for name in ["edge/bare", "edge/none"] {
        outcome
            .route(name)
            .refuses(Accepted, Reason::NoMatchingListenerHostname);
    }
    assert_eq!(attached(&outcome, "edge/web", "exact"), 1);
    assert_eq!(attached(&outcome, "edge/web", "wild"), 1);
}

#[test]
fn httproute_listener_hostname_matching() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway
                .http_for("one", 80, "bar.com")
                .http_for("two", 80, "*.bar.com")
        })
        .http_route("edge/both", |route| {
            route.section("edge/web", "one").section("edge/web", "two")
        })
        .resolve();

    let parents = &outcome.route("edge/both").verdict.parents;
    let sections: Vec<_> = parents
        .iter()
        .map(|one| one.parent.section_name.as_deref())
        .collect();
    assert_eq!(sections, [Some("one"), Some("two")]);
}

#[test]
fn httproute_disallowed_kind() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway.listener("{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}")
        })
        .service("edge/cart", 8080, &[])
        .http_route("edge/cart", |route| {
            route.parent("edge/web").backend("edge/cart", 8080)
        })
        .resolve();

    outcome
        .route("edge/cart")
        .refuses(Accepted, Reason::NotAllowedByListeners);
    outcome.route("edge/cart").accepts(ResolvedRefs);
}

#[test]
fn httproute_multiple_gateways() {
    let outcome = Manifests::new()
        .gateway("edge/one", |gateway| {
            gateway.http(80).address("{value: 10.0.0.1}")
        })
        .gateway("edge/two", |gateway| {
            gateway.http(80).address("{value: 10.0.0.2}")
        })
        .http_route("edge/both", |route| {
            route.parent("edge/one").parent("edge/two")
        })
        .http_route("edge/own", |route| route.parent("edge/two"))
        .resolve();

    assert_eq!(outcome.routes_of("edge/one", "http-80"), ["edge/both"]);
    assert_eq!(
        outcome.routes_of("edge/two", "http-80"),
        ["edge/both", "edge/own"]
    );
    assert_eq!(outcome.route("edge/both").verdict.parents.len(), 2);
}

#[test]
fn httproute_preserve_foreign_status() {
    let outcome = shop()
        .http_route("shop/cart", |route| {
            route.parent("edge/web").parent("edge/no-such")
        })
        .resolve();

    let parents = &outcome.route("shop/cart").verdict.parents;
    assert_eq!(parents.len(), 1);
    assert_eq!(parents[0].parent.name, "web");
    assert_eq!(parents[0].parent.kind.as_deref(), Some("Gateway"));
    assert_eq!(
        outcome.warnings::<HttpRoute>("shop/cart")[0].message,
        "there is no Gateway edge/no-such"
    );
}

#[test]
fn a_parent_of_another_kind_is_not_ours_but_told() {
    let outcome = Manifests::new()
        .http_route("shop/cart", |route| {
            route.parent_ref("{group: '', kind: Service, name: cart}")
        })
        .resolve();

    assert!(outcome.route("shop/cart").verdict.parents.is_empty());
    assert_eq!(outcome.warnings::<HttpRoute>("shop/cart").len(), 1);
}

#[test]
fn a_route_that_only_unaccepted_listeners_take_is_not_accepted() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway.listener("{name: web, port: 80, protocol: HTTP, filters: {requests: []}}")
        })
        .http_route("edge/cart", |route| route.parent("edge/web"))
        .resolve();

    outcome
        .route("edge/cart")
        .refuses(Accepted, Reason::NoMatchingParent);
    outcome
        .gateway("edge/web")
        .listener("web")
        .says(Accepted, False, Reason::UnsupportedValue);
    assert_eq!(attached(&outcome, "edge/web", "web"), 1);
}

#[test]
fn an_invalid_hostname_refuses_the_route() {
    let outcome = shop()
        .http_route("shop/cart", |route| {
            route
                .parent("edge/web")
                .hostname("good.example.com")
                .hostname("bad_name")
        })
        .resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::UnsupportedValue);
    assert!(
        outcome
            .route("shop/cart")
            .message(Accepted)
            .starts_with("spec.hostnames[1]: ")
    );
    assert!(!outcome.is_served("shop/cart"));
}

#[test]
fn the_same_parent_twice_is_refused() {
    let outcome = shop()
        .http_route("shop/cart", |route| {
            route.parent("edge/web").parent("edge/web")
        })
        .resolve();

    outcome
        .route("shop/cart")
        .refuses(Accepted, Reason::UnsupportedValue);
}

#[test]
fn a_route_of_another_controllers_gateway_is_left_alone() {
    let outcome = Manifests::new()
        .yaml::<crate::api::GatewayClass>(
            "{metadata: {name: other}, spec: {controllerName: example.com/other}}",
        )
        .gateway("edge/web", |gateway| gateway.class("other").http(80))
        .http_route("edge/cart", |route| route.parent("edge/web"))
        .resolve();

    assert!(outcome.verdict::<crate::api::Gateway>("edge/web").is_none());
    assert!(outcome.route("edge/cart").verdict.parents.is_empty());
    assert!(outcome.resolved.configuration.gateways().is_empty());
}

#[test]
fn gateway_with_attached_routes() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(80))
        .http_route("edge/one", |route| {
            route.parent("edge/web").backend("edge/missing", 80)
        })
        .http_route("edge/two", |route| route.parent("edge/web"))
        .resolve();

    // Where references lead does not matter.
    assert_eq!(attached(&outcome, "edge/web", "http-80"), 2);
    outcome
        .route("edge/one")
        .says(Accepted, True, Reason::Accepted);
}

#[test]
fn gateway_with_attached_routes_with_port_8080() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| gateway.http(8080).http(80))
        .http_route("edge/one", |route| route.section("edge/web", "http-80"))
        .resolve();

    assert_eq!(attached(&outcome, "edge/web", "http-8080"), 0);
    assert_eq!(attached(&outcome, "edge/web", "http-80"), 1);
}
