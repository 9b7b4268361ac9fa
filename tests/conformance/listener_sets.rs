//! ListenerSets.

use gateway_k8s::api::ListenerSet;
use gateway_k8s::verdict::ConditionType::{Accepted, Conflicted, Programmed, ResolvedRefs};
use gateway_k8s::verdict::{
    Condition, ConditionStatus, ConditionType, Decision, ListenerSetVerdict, Reason,
};

use crate::exchange::{V1, V2, get};
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
    suite.attached_sets(gateway, 2);
    let counts = |set: &str| -> Vec<_> {
        let listeners = suite.set(set).listeners.iter();
        listeners.map(|one| one.attached_routes).collect()
    };
    assert_eq!(counts("listener-set-http-routing-1"), [3, 2]);
    assert_eq!(counts("listener-set-http-routing-2"), [2, 2]);
    let address = suite.address(gateway, "gateway-listener-1");
    let sets = [
        "1-listener-1",
        "1-listener-2",
        "2-listener-1",
        "2-listener-2",
    ];
    for host in sets.map(|set| format!("listener-set-http-routing-{set}.com")) {
        let exchanges = [
            get("/route").host(&host).reaches(V1),
            get("/gateway-route").host(&host).is(404),
        ];
        suite.expect(address, exchanges).await;
    }
    for host in ["gateway-listener-1.com", "gateway-listener-2.com"] {
        let exchanges = [
            get("/route").host(host).reaches(V1),
            get("/gateway-route").host(host).reaches(V2),
        ];
        suite.expect(address, exchanges).await;
    }
}
