//! ListenerSets.

use crate::api::{HttpRoute, ListenerSet};
use crate::testing::{Manifests, SHOP};
use crate::verdict::ConditionStatus::{False, True, Unknown};
use crate::verdict::ConditionType::{Accepted, Conflicted, Programmed, ResolvedRefs};
use crate::verdict::Reason;

fn world(allowed: &str) -> Manifests {
    let allowed: serde_json::Value = serde_saphyr::from_str(allowed).unwrap();
    Manifests::new().gateway("edge/web", |gateway| {
        gateway
            .http_for("own", 80, "own.com")
            .from_all()
            .spec(|spec| {
                spec.allowed_listeners = serde_json::from_value(allowed).unwrap();
            })
    })
}

fn open() -> Manifests {
    world("{namespaces: {from: All}}")
}

fn http(name: &str, hostname: &str) -> String {
    format!("{{name: {name}, port: 80, protocol: HTTP, hostname: {hostname}}}")
}

fn list(listeners: &[String]) -> String {
    format!("[{}]", listeners.join(", "))
}

#[test]
fn a_gateway_admits_the_sets_it_says() {
    let one = list(&[http("a", "a.com")]);
    for (allowed, same, other) in [
        ("null", false, false),
        ("{namespaces: {from: None}}", false, false),
        ("{namespaces: {from: Same}}", true, false),
        ("{namespaces: {from: All}}", true, true),
        (
            "{namespaces: {from: Selector, selector: {matchLabels: {team: x}}}}",
            false,
            true,
        ),
        ("{namespaces: {from: Selector}}", false, false),
        ("{namespaces: {from: Some}}", false, false),
    ] {
        let outcome = world(allowed)
            .namespace("shop", &[("team", "x")])
            .listener_set("edge/same", "edge/web", &one)
            .listener_set("shop/other", "edge/web", &one.replace("a.com", "b.com"))
            .resolve();

        for (set, admitted) in [("edge/same", same), ("shop/other", other)] {
            let told = outcome.listener_set(set);
            let (status, reason) = if admitted {
                (True, Reason::Accepted)
            } else {
                (False, Reason::NotAllowed)
            };
            told.says(Accepted, status, reason);
            if !admitted {
                told.says(Programmed, False, Reason::NotAllowed);
                assert!(told.verdict.listeners.is_empty());
            }
        }
        let count = u32::from(same) + u32::from(other);
        let gateway = outcome.gateway("edge/web");
        assert_eq!(gateway.verdict.attached_listener_sets, count, "{allowed}");
        assert_eq!(gateway.verdict.listeners.len(), 1);
    }
}

#[test]
fn routes_are_attached_to_the_parent_that_they_name() {
    let parent = "{kind: ListenerSet, namespace: shop, name: set}";
    let outcome = open()
        .listener_set(
            "shop/set",
            "edge/web",
            &list(&[http("a", "a.com"), http("own", "b.com")]),
        )
        .http_route("shop/gateway", |route| route.parent("edge/web"))
        .http_route("shop/set", |route| route.parent_ref(parent))
        .http_route("shop/section", |route| {
            route.parent_ref("{kind: ListenerSet, name: set, sectionName: a}")
        })
        .http_route("shop/wrong", |route| route.section("edge/web", "a"))
        .http_route("shop/nowhere", |route| {
            route.parent_ref("{kind: ListenerSet, name: set, sectionName: c}")
        })
        .resolve();

    assert_eq!(outcome.routes_of("edge/web", "own"), ["shop/gateway"]);
    assert_eq!(
        outcome.routes_of("edge/web", "shop/set/a"),
        ["shop/section", "shop/set"]
    );
    assert_eq!(outcome.routes_of("edge/web", "shop/set/own"), ["shop/set"]);
    let told = outcome.listener_set("shop/set");
    assert_eq!(told.listener("a").verdict.attached_routes, 2);
    assert_eq!(told.listener("own").verdict.attached_routes, 1);
    let own = outcome.gateway("edge/web").listener("own");
    assert_eq!(own.verdict.attached_routes, 1);
    for wrong in ["shop/wrong", "shop/nowhere"] {
        outcome
            .route(wrong)
            .refuses(Accepted, Reason::NoMatchingParent);
    }
    let kinds = &outcome.route("shop/set").verdict.parents;
    assert_eq!(kinds[0].parent.kind.as_deref(), Some("ListenerSet"));
}

#[test]
fn same_means_the_namespace_of_the_set() {
    let parent = "{kind: ListenerSet, namespace: shop, name: set}";
    let outcome = open()
        .listener_set("shop/set", "edge/web", &list(&[http("a", "a.com")]))
        .http_route("shop/r", |route| route.parent_ref(parent))
        .http_route("edge/r", |route| route.parent_ref(parent))
        .resolve();

    outcome.route("shop/r").accepts(Accepted);
    outcome
        .route("edge/r")
        .refuses(Accepted, Reason::NotAllowedByListeners);
}

#[test]
fn the_gateway_wins_and_then_the_oldest_set() {
    let shared = http("x", "x.com");
    let outcome = open()
        .listener_set(
            "shop/old",
            "edge/web",
            &list(&[
                http("g", "own.com"),
                http("x", "x.com"),
                http("ok", "ok.com"),
            ]),
        )
        .created::<ListenerSet>("shop/old", 1)
        .listener_set("shop/a-young", "edge/web", &list(&[shared]))
        .created::<ListenerSet>("shop/a-young", 2)
        .listener_set(
            "shop/tcp",
            "edge/web",
            "[{name: t, port: 80, protocol: TCP}, {name: u, port: 80, protocol: UDP}]",
        )
        .created::<ListenerSet>("shop/tcp", 3)
        .resolve();

    let own = outcome.gateway("edge/web").listener("own");
    own.says(Accepted, True, Reason::Accepted);
    assert!(!own.has(Conflicted));
    let old = outcome.listener_set("shop/old");
    old.listener("x").says(Accepted, True, Reason::Accepted);
    old.listener("ok")
        .says(Programmed, Unknown, Reason::Pending);
    old.says(Accepted, True, Reason::Accepted);
    let young = outcome.listener_set("shop/a-young");
    young.says(Accepted, False, Reason::ListenersNotValid);
    young.says(Programmed, False, Reason::ListenersNotValid);
    for (listener, reason) in [
        (old.listener("g"), Reason::HostnameConflict),
        (young.listener("x"), Reason::HostnameConflict),
        (
            outcome.listener_set("shop/tcp").listener("t"),
            Reason::ProtocolConflict,
        ),
    ] {
        listener.says(Accepted, False, reason);
        listener.says(Programmed, False, reason);
        listener.says(Conflicted, True, reason);
    }
    let attached = outcome.gateway("edge/web").verdict.attached_listener_sets;
    assert_eq!(attached, 2);
}

#[test]
fn what_has_lost_already_conflicts_with_nobody_else() {
    let outcome = open()
        .listener_set(
            "shop/set",
            "edge/web",
            &list(&[
                http("a", "a.com"),
                "{name: t, port: 80, protocol: TCP}".to_owned(),
            ]),
        )
        .resolve();

    let set = outcome.listener_set("shop/set");
    set.says(Accepted, True, Reason::Accepted);
    set.listener("a").says(Accepted, True, Reason::Accepted);
    set.listener("t")
        .says(Conflicted, True, Reason::ProtocolConflict);
}

#[test]
fn listenerset_reference_grant() {
    let https = "[{name: a, port: 443, protocol: HTTPS, \
                 tls: {certificateRefs: [{name: c, namespace: vault}]}}]";
    let world = |grant: &str| {
        open()
            .tls_secret("vault/c", SHOP)
            .grant("vault/g", (grant, "shop"), ("Secret", None))
            .listener_set("shop/set", "edge/web", https)
            .resolve()
    };

    let granted = world("ListenerSet");
    granted
        .listener_set("shop/set")
        .says(Accepted, True, Reason::Accepted);
    let refused = world("Gateway");
    let told = refused.listener_set("shop/set");
    told.says(Accepted, False, Reason::ListenersNotValid);
    told.says(Programmed, False, Reason::ListenersNotValid);
    told.listener("a")
        .says(ResolvedRefs, False, Reason::RefNotPermitted);
}

#[test]
fn sets_are_programmed_with_their_gateway() {
    let failure = |port: u16| {
        let address = format!("[::]:{port}").parse().unwrap();
        crate::verdict::BindFailure::new(address, &std::io::ErrorKind::AddrInUse.into())
    };
    let world = open().listener_set(
        "shop/set",
        "edge/web",
        "[{name: a, port: 81, protocol: HTTP}, {name: u, port: 81, protocol: UDP}]",
    );

    let good = world.resolve().programmed(&[]);
    let set = good.listener_set("shop/set");
    set.says(Programmed, True, Reason::Programmed);
    set.listener("a").says(Programmed, True, Reason::Programmed);

    let partly = world.resolve().programmed(&[failure(81)]);
    let set = partly.listener_set("shop/set");
    set.says(Programmed, True, Reason::Programmed);
    set.listener("a")
        .says(Programmed, False, Reason::PortUnavailable);
    set.listener("u").says(Programmed, True, Reason::Programmed);

    let bad = world
        .resolve()
        .programmed(&[failure(81), failure(81).for_datagrams()]);
    let set = bad.listener_set("shop/set");
    set.says(Programmed, False, Reason::PortUnavailable);
    let gateway = bad.gateway("edge/web");
    gateway.says(Programmed, True, Reason::Programmed);
}

#[test]
fn sets_that_nobody_could_take_are_told() {
    let one = list(&[http("a", "a.com")]);
    let outcome = open()
        .listener_set("shop/lost", "edge/no-such", &one)
        .listener_set("shop/empty", "edge/web", "[]")
        .http_route("shop/r", |route| {
            route
                .parent_ref("{kind: ListenerSet, name: empty}")
                .parent_ref("{kind: ListenerSet, name: no-such}")
        })
        .resolve();

    assert_eq!(outcome.warnings::<ListenerSet>("shop/lost").len(), 1);
    outcome
        .listener_set("shop/empty")
        .says(Accepted, False, Reason::Invalid);
    outcome
        .route("shop/r")
        .refuses(Accepted, Reason::NoMatchingParent);
    assert_eq!(outcome.warnings::<HttpRoute>("shop/r").len(), 1);
}

#[test]
fn a_gateway_that_is_refused_refuses_its_sets() {
    let outcome = Manifests::new()
        .gateway("edge/web", |gateway| {
            gateway
                .http(80)
                .address("{type: NamedAddress, value: x}")
                .spec(|spec| {
                    spec.allowed_listeners =
                        serde_json::from_value(serde_json::json!({"namespaces": {"from": "All"}}))
                            .unwrap();
                })
        })
        .listener_set("shop/set", "edge/web", &list(&[http("a", "a.com")]))
        .resolve();

    let set = outcome.listener_set("shop/set");
    set.says(Accepted, False, Reason::ParentNotAccepted);
    set.says(Programmed, False, Reason::ParentNotProgrammed);
}
