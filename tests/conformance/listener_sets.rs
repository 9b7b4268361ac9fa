//! ListenerSets.

use gateway_k8s::api::{HttpRoute, ListenerSet};
use gateway_k8s::verdict::ConditionType::{Accepted, Conflicted, Programmed, ResolvedRefs};
use gateway_k8s::verdict::{
    Condition, ConditionStatus, ConditionType, Decision, ListenerSetVerdict, Reason,
};

use crate::cluster::INFRA;
use crate::exchange::{V1, V2, V3, get};
use crate::status::{False, True, is};
use crate::suite::Suite;

impl Suite {
    #[track_caller]
    fn set(&self, name: &str) -> &ListenerSetVerdict {
        match self.decision::<ListenerSet>(name) {
            Decision::ListenerSet(verdict) => verdict,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[track_caller]
    fn set_is(
        &self,
        name: &str,
        kind: ConditionType,
        status: ConditionStatus,
        reason: Option<Reason>,
    ) {
        is(&self.set(name).conditions, kind, status, reason, name);
    }

    #[track_caller]
    fn set_listener(&self, set: &str, listener: &str) -> &[Condition] {
        let mut listeners = self.set(set).listeners.iter();
        let found = listeners.find(|one| one.name.as_str() == listener);
        &found
            .unwrap_or_else(|| panic!("{set} has no {listener}"))
            .conditions
    }

    /// The listener is well.
    #[track_caller]
    fn set_serves(&self, set: &str, listener: &str) {
        for kind in [Accepted, Programmed, ResolvedRefs] {
            is(self.set_listener(set, listener), kind, True, None, listener);
        }
    }

    #[track_caller]
    fn set_takes(&self, set: &str) {
        self.set_is(set, Accepted, True, None);
        self.set_is(set, Programmed, True, Some(Reason::Programmed));
    }

    #[track_caller]
    fn set_refused(&self, set: &str, reason: Reason) {
        self.set_is(set, Accepted, False, Some(reason));
        self.set_is(set, Programmed, False, Some(reason));
    }

    /// A set takes HTTPRoutes with every listener, of which each has so many.
    #[track_caller]
    fn set_counts(&self, set: &str, expected: &[(&str, u32)]) {
        let listeners = &self.set(set).listeners;
        let counts: Vec<_> = listeners
            .iter()
            .map(|one| (one.name.as_str(), one.attached_routes))
            .collect();
        assert_eq!(counts, expected, "{set}");
        for listener in listeners {
            let mut kinds = listener.supported_kinds.iter();
            assert!(kinds.any(|one| one.kind == "HTTPRoute"), "{set}");
            self.set_serves(set, listener.name.as_str());
        }
    }

    /// A route is told this by a set.
    #[track_caller]
    fn route_of_set_is(&self, set: &str, route: &str, status: ConditionStatus, reason: Reason) {
        let parents = self.parents_in::<HttpRoute>(route, "ListenerSet", set);
        assert_eq!(parents.len(), 1, "{route} of {set}");
        is(
            &parents[0].conditions,
            Accepted,
            status,
            Some(reason),
            route,
        );
    }

    #[track_caller]
    fn set_has_routes(&self, set: &str, routes: &[&str]) {
        for route in routes {
            self.route_of_set_is(set, route, True, Reason::Accepted);
        }
    }

    #[track_caller]
    fn attached_sets(&self, gateway: &str, count: u32) {
        self.gateway_is(gateway, Accepted, True, Reason::Accepted);
        assert_eq!(self.gateway(gateway).attached_listener_sets, count);
    }
}

#[tokio::test]
async fn listenerset_default_not_allowed() {
    let Some(suite) = Suite::start(&["listenerset-default-not-allowed"]).await else {
        return;
    };

    suite.attached_sets("gateway-default-does-not-allow-listenerset", 0);
    suite.set_refused("listenerset-default-not-allowed", Reason::NotAllowed);
}

#[tokio::test]
async fn listenerset_allowed_namespace_none() {
    let Some(suite) = Suite::start(&["listenerset-allowed-namespace-none"]).await else {
        return;
    };

    suite.attached_sets("gateway-does-not-allow-listenerset", 0);
    suite.set_refused("listenerset-not-allowed", Reason::NotAllowed);
}

#[tokio::test]
async fn listenerset_allowed_namespace_same() {
    let Some(suite) = Suite::start(&["listenerset-allowed-namespace-same"]).await else {
        return;
    };

    suite.attached_sets("gateway-allows-listenerset-in-same-namespace", 1);
    let set = "listenerset-in-same-namespace";
    suite.set_takes(set);
    suite.set_serves(set, "listenerset-in-same-namespace-listener");
    let other = "gateway-api-listenerset-not-allowed-ns/listenerset-in-different-namespace";
    suite.set_refused(other, Reason::NotAllowed);
}

#[tokio::test]
async fn listenerset_allowed_namespace_selector() {
    let Some(suite) = Suite::start(&["listenerset-allowed-namespace-selector"]).await else {
        return;
    };

    suite.attached_sets("gateway-allows-listenerset-in-selected-namespace", 1);
    let set = "gateway-api-listenerset-selector-allowed-ns/listenerset-in-selected-namespace";
    suite.set_takes(set);
    suite.set_serves(set, "listenerset-in-selected-namespace-listener");
    let other =
        "gateway-api-listenerset-selector-not-allowed-ns/listenerset-not-in-selected-namespace";
    suite.set_refused(other, Reason::NotAllowed);
}

/// The two tests about conflicts are the same but for a word.
async fn conflict(word: &str, reason: Reason) {
    let manifest = format!("listenerset-{word}-conflict");
    let Some(suite) = Suite::start(&[&manifest]).await else {
        return;
    };
    let set = |with: &str| format!("listenerset-with-{word}-conflict-with-{with}");
    let with_gateway = format!("{word}-conflict-with-gateway-listener");
    let with_set = format!("{word}-conflict-with-listener-set-listener");
    let lost = |set: &str, listener: &str| {
        let conditions = suite.set_listener(set, listener);
        is(conditions, Accepted, False, Some(reason), listener);
        is(conditions, Programmed, False, Some(reason), listener);
        is(conditions, Conflicted, True, Some(reason), listener);
    };

    let gateway = format!("gateway-with-listenerset-{word}-conflict");
    suite.attached_sets(&gateway, 2);
    for listener in &suite.gateway(&gateway).listeners {
        for kind in [Accepted, Programmed, ResolvedRefs] {
            is(&listener.conditions, kind, True, None, &gateway);
        }
    }
    suite.set_takes(&set("gateway-1"));
    suite.set_serves(&set("gateway-1"), "listener-set-1-listener");
    suite.set_serves(&set("gateway-1"), &with_set);
    lost(&set("gateway-1"), &with_gateway);
    suite.set_refused(&set("gateway-2"), Reason::ListenersNotValid);
    lost(&set("gateway-2"), &with_gateway);
    suite.set_takes(&set("listener-set-1"));
    suite.set_serves(&set("listener-set-1"), "listener-set-2-listener");
    lost(&set("listener-set-1"), &with_set);
    suite.set_refused(&set("listener-set-2"), Reason::ListenersNotValid);
    lost(&set("listener-set-2"), &with_set);
}

#[tokio::test]
async fn listenerset_hostname_conflict() {
    conflict("hostname", Reason::HostnameConflict).await;
}

#[tokio::test]
async fn listenerset_protocol_conflict() {
    conflict("protocol", Reason::ProtocolConflict).await;
}

#[tokio::test]
async fn listenerset_allowed_routes_supported_kinds() {
    let Some(suite) = Suite::start(&["listenerset-allowed-routes-supported-kinds"]).await else {
        return;
    };

    let set = "listenerset-test-allowed-routes-supported-kinds";
    let listener = "listener-set-listener-allowed-routes-tls-only";
    let reason = Some(Reason::InvalidRouteKinds);
    let conditions = suite.set_listener(set, listener);
    is(conditions, ResolvedRefs, False, reason, listener);
}

#[tokio::test]
async fn listenerset_gateway_parent_section_name_not_found() {
    let name = "listenerset-gateway-parent-section-name-not-found";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };

    let gateway = "gateway-section-name";
    suite.attached_sets(gateway, 1);
    let reason = Reason::NoMatchingParent;
    suite.route_is(gateway, "route-via-gateway", Accepted, False, reason);
    suite.set_has_routes("listenerset-section-name", &["route-via-listenerset"]);
    let address = suite.address(gateway, "gw-listener");
    let exchanges = [
        get("/goodsection").host("ls-section-name.com").reaches(V1),
        get("/badsection").host("gw-section.com").is(404),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn listenerset_dual_parentref_independence() {
    let Some(suite) = Suite::start(&["listenerset-dual-parentref-independence"]).await else {
        return;
    };

    let gateway = "gateway-dual-parentref";
    suite.attached_sets(gateway, 1);
    assert_eq!(
        suite.set("ls-dual-parentref").listeners[0].attached_routes,
        2
    );
    let both = "route-dual-parentref-both";
    suite.route_is(gateway, both, Accepted, True, Reason::Accepted);
    let one = "route-dual-parentref-one";
    suite.route_is(gateway, one, Accepted, False, Reason::NoMatchingParent);
    let address = suite.address(gateway, "gw-dual-parentref-listener");
    let exchanges = [
        get("/dualboth").host("gw-dual.com").reaches(V1),
        get("/dualboth").host("ls-dual.com").reaches(V1),
        get("/dualone").host("ls-dual.com").reaches(V2),
        get("/dualone").host("gw-dual.com").is(404),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn listenerset_http_routing() {
    let Some(suite) = Suite::start(&["listenerset-http-routing"]).await else {
        return;
    };

    let gateway = "gateway-with-listener-sets-http-routing";
    let all = "attaches-to-all-listeners";
    let (one, two) = ("listener-set-http-routing-1", "listener-set-http-routing-2");
    suite.accepted(gateway, &[all, "gateway-route", "gateway-section-route"]);
    suite.attached_sets(gateway, 2);
    let routes = |set: &str| [format!("{set}-route"), format!("{set}-section-route")];
    let [whole, section] = routes(one);
    suite.set_has_routes(one, &[all, &whole, &section]);
    suite.set_has_routes(two, &[all, &routes(two)[0]]);
    let listeners = |set: &str| [1, 2].map(|number| format!("{set}-listener-{number}"));
    for (set, counts) in [(one, [3, 2]), (two, [2, 2])] {
        let names = listeners(set);
        suite.set_counts(set, &[(&names[0], counts[0]), (&names[1], counts[1])]);
    }

    let address = suite.address(gateway, "gateway-listener-1");
    let hosts = ["gateway-listener-1", "gateway-listener-2"].map(str::to_owned);
    let hosts = [hosts, listeners(one), listeners(two)].concat();
    // Each route, the pod behind it, and the first and the last host that have it.
    for (path, backend, first, last) in [
        ("/route", V1, 0, 5),
        ("/gateway-route", V2, 0, 1),
        ("/gateway-section-route", V3, 0, 0),
        ("/listener-set-http-routing-1-route", V2, 2, 3),
        ("/listener-set-http-routing-1-section-route", V3, 2, 2),
        ("/listener-set-http-routing-2-route", V2, 4, 5),
    ] {
        for (index, host) in hosts.iter().enumerate() {
            let request = get(path).host(&format!("{host}.com"));
            let exchange = match (first..=last).contains(&index) {
                true => request.reaches(backend),
                false => request.is(404),
            };
            suite.expect(address, [exchange]).await;
        }
    }
}

#[tokio::test]
async fn listenerset_allowed_routes_namespaces() {
    let Some(suite) = Suite::start(&["listenerset-allowed-routes-namespaces"]).await else {
        return;
    };

    let gateway = "gateway-with-listener-sets-test-allowed-routes";
    suite.attached_sets(gateway, 2);
    let address = suite.address(gateway, "gateway-listener");
    let set = "listenerset-test-allowed-routes-namespaces";
    let (same, selected, other) = (
        "route-in-same-namespace",
        "route-in-selected-namespace",
        "route-not-in-selected-namespace",
    );
    suite.set_has_routes(
        set,
        &[
            same,
            &format!("gateway-api-routes-allowed-ns/{selected}"),
            &format!("gateway-api-routes-not-allowed-ns/{other}"),
        ],
    );
    let listener = |from: &str| format!("listener-set-listener-allowed-routes-{from}");
    let names = ["all", "same", "selector"].map(listener);
    suite.set_counts(set, &[(&names[0], 3), (&names[1], 1), (&names[2], 1)]);
    let at = |route: &str, from: &str| {
        let request = get(&format!("/{route}"));
        request.host(&format!("{}.com", listener(from)))
    };
    let exchanges = [
        at(same, "all").reaches(V1),
        at(selected, "all").reaches(V2),
        at(other, "all").reaches(V3),
        at(same, "same").reaches(V1),
        at(selected, "same").is(404),
        at(other, "same").is(404),
        at(same, "selector").is(404),
        at(selected, "selector").reaches(V2),
        at(other, "selector").is(404),
    ];
    suite.expect(address, exchanges).await;

    let set = "gateway-api-ls-cross-ns/listenerset-test-allowed-routes-cross-ns";
    let (same, other) = (
        "route-in-listenerset-namespace",
        "route-in-gateway-namespace",
    );
    suite.set_has_routes(set, &[&format!("gateway-api-ls-cross-ns/{same}")]);
    suite.route_of_set_is(set, other, False, Reason::NotAllowedByListeners);
    suite.set_counts(set, &[(&listener("cross-ns-same"), 1)]);
    let exchanges = [
        at(same, "cross-ns-same").reaches(V1),
        at(other, "cross-ns-same").is(404),
    ];
    suite.expect(address, exchanges).await;
}

#[tokio::test]
async fn listenerset_reference_grant() {
    let Some(suite) = Suite::start(&["listenerset-reference-grant"]).await else {
        return;
    };

    let gateway = "gateway-with-listener-sets-test-reference-grant";
    suite.gateway_is(gateway, Accepted, True, Reason::Accepted);
    let with = "listenerset-with-reference-grant";
    suite.set_takes(with);
    let listener = "listenerset-with-reference-grant-listener";
    let conditions = suite.set_listener(with, listener);
    is(conditions, ResolvedRefs, True, None, listener);
    let without = "gateway-api-listener-sets-test-reference-grant-ns/\
                   listenerset-without-reference-grant";
    suite.set_refused(without, Reason::ListenersNotValid);
    let listener = "listenerset-without-reference-grant-listener";
    let conditions = suite.set_listener(without, listener);
    let reason = Some(Reason::RefNotPermitted);
    is(conditions, ResolvedRefs, False, reason, listener);
}

#[tokio::test]
async fn listenerset_route_status_scoped_to_parentref() {
    let name = "listenerset-route-status-scoped-to-parentref";
    let Some(suite) = Suite::start(&[name]).await else {
        return;
    };

    let (gateway, set) = ("gateway-parentref", "listenerset-parentref");
    suite.attached_sets(gateway, 1);
    suite.set_counts(set, &[("listenerset-parentref-listener", 1)]);
    let (of_gateway, of_set) = ("route-parentref-gwonly", "route-parentref-lsonly");
    suite.route_is(gateway, of_gateway, Accepted, True, Reason::Accepted);
    suite.set_has_routes(set, &[of_set]);
    for (route, kind, parent) in [
        (of_gateway, "Gateway", gateway),
        (of_set, "ListenerSet", set),
    ] {
        let [only] = suite.parents::<HttpRoute>(route) else {
            panic!("{route} has one parent");
        };
        assert_eq!(only.parent.kind.as_deref(), Some(kind));
        assert_eq!(only.parent.name, parent);
        assert_eq!(only.parent.namespace.as_deref(), Some(INFRA));
    }
}
