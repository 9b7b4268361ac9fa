//! What objects are told.

use std::net::SocketAddr;

use gateway_k8s::api::{Gateway, HttpRoute};
use gateway_k8s::verdict::ConditionType::{Accepted, Programmed, ResolvedRefs};
use gateway_k8s::verdict::{
    Condition, ConditionStatus, ConditionType, Decision, GatewayVerdict, ListenerVerdict,
    ParentVerdict, Reason,
};
use gateway_k8s::world::{Kind, ObjectRef};

use crate::cluster::INFRA;
use crate::suite::Suite;

pub(crate) use gateway_k8s::verdict::ConditionStatus::{False, True};

/// What a listener has to be told.
#[derive(Debug)]
pub(crate) struct Listener<'a> {
    pub(crate) name: &'static str,
    pub(crate) routes: u32,
    pub(crate) kinds: &'static [&'static str],
    pub(crate) conditions: &'a [(ConditionType, ConditionStatus, Option<Reason>)],
}

impl Listener<'static> {
    /// Everything is well, and it takes HTTPRoutes.
    pub(crate) const fn good(name: &'static str, routes: u32) -> Self {
        Self {
            name,
            routes,
            kinds: &["HTTPRoute"],
            conditions: &[(Accepted, True, None), (ResolvedRefs, True, None)],
        }
    }
}

impl Suite {
    /// The Gateway is served by all its listeners, and has these routes. Where its
    /// first listener listens. Names without a namespace are of the Gateways'.
    #[track_caller]
    pub(crate) fn accepted(&self, gateway: &str, routes: &[&str]) -> SocketAddr {
        self.accepted_of::<HttpRoute>(gateway, routes)
    }

    /// As [`Suite::accepted`], with routes of another kind.
    #[track_caller]
    pub(crate) fn accepted_of<T: Kind>(&self, gateway: &str, routes: &[&str]) -> SocketAddr {
        let verdict = self.gateway(gateway);
        for listener in &verdict.listeners {
            for kind in [Accepted, Programmed, ResolvedRefs] {
                is(
                    &listener.conditions,
                    kind,
                    True,
                    None,
                    &listener.name.to_string(),
                );
            }
        }
        for route in routes {
            let parents = self.parents_of::<T>(route, gateway);
            let mut accepted = parents.iter();
            let one = accepted.any(|one| {
                let mut conditions = one.conditions.iter();
                conditions.any(|one| one.kind() == Accepted && one.status() == True)
            });
            assert!(one, "{route} is not accepted: {parents:#?}");
        }
        let first = verdict.listeners.first().expect("a listener");
        self.address(gateway, first.name.as_str())
    }

    /// Where a listener listens.
    #[track_caller]
    pub(crate) fn address(&self, gateway: &str, listener: &str) -> SocketAddr {
        let verdict = self.gateway(gateway);
        let address = verdict.addresses.first().expect("an address");
        SocketAddr::new(*address, self.listener(gateway, listener).port)
    }

    /// The references of a route are good.
    #[track_caller]
    pub(crate) fn resolved(&self, gateway: &str, route: &str) {
        self.route_is(gateway, route, ResolvedRefs, True, Reason::ResolvedRefs);
    }

    /// A route is told this about a Gateway.
    #[track_caller]
    pub(crate) fn route_is(
        &self,
        gateway: &str,
        route: &str,
        kind: ConditionType,
        status: ConditionStatus,
        reason: Reason,
    ) {
        self.route_of_is::<HttpRoute>(gateway, route, kind, status, reason);
    }

    /// A route of any kind is told this about a Gateway.
    #[track_caller]
    pub(crate) fn route_of_is<T: Kind>(
        &self,
        gateway: &str,
        route: &str,
        kind: ConditionType,
        status: ConditionStatus,
        reason: Reason,
    ) {
        let parents = self.parents_of::<T>(route, gateway);
        assert!(!parents.is_empty(), "{route} is told nothing of {gateway}");
        for parent in parents {
            is(&parent.conditions, kind, status, Some(reason), route);
        }
    }

    /// The references of a route of any kind are good.
    #[track_caller]
    pub(crate) fn resolved_of<T: Kind>(&self, gateway: &str, route: &str) {
        self.route_of_is::<T>(gateway, route, ResolvedRefs, True, Reason::ResolvedRefs);
    }

    /// Nobody has accepted a route.
    #[track_caller]
    pub(crate) fn no_accepted_parents(&self, route: &str) {
        let parents = self.parents::<HttpRoute>(route);
        assert!(parents.len() <= 1, "{parents:#?}");
        for parent in parents {
            let condition = parent.conditions.iter().find(|one| one.kind() == Accepted);
            assert_eq!(condition.expect("told").status(), False, "{route}");
        }
    }

    /// The only listener of a Gateway has no routes.
    #[track_caller]
    pub(crate) fn zero_routes(&self, gateway: &str) {
        let listeners = &self.gateway(gateway).listeners;
        let attached: Vec<_> = listeners.iter().map(|one| one.attached_routes).collect();
        assert_eq!(attached, [0], "{gateway}");
    }

    /// A Gateway is told this.
    #[track_caller]
    pub(crate) fn gateway_is(
        &self,
        gateway: &str,
        kind: ConditionType,
        status: ConditionStatus,
        reason: Reason,
    ) {
        let conditions = &self.gateway(gateway).conditions;
        is(conditions, kind, status, Some(reason), gateway);
    }

    /// A Gateway has these listeners and no others.
    #[track_caller]
    pub(crate) fn listeners(&self, gateway: &str, expected: &[Listener<'_>]) {
        let verdict = self.gateway(gateway);
        assert_eq!(verdict.listeners.len(), expected.len(), "{verdict:#?}");
        for expected in expected {
            let listener = self.listener(gateway, expected.name);
            assert_eq!(listener.attached_routes, expected.routes, "{expected:?}");
            let kinds: Vec<_> = listener
                .supported_kinds
                .iter()
                .map(|one| one.kind)
                .collect();
            let has_all = expected.kinds.iter().all(|kind| kinds.contains(kind));
            let is_empty = expected.kinds.is_empty();
            assert!(has_all && (!is_empty || kinds.is_empty()), "{kinds:?}");
            for (kind, status, reason) in expected.conditions {
                is(&listener.conditions, *kind, *status, *reason, expected.name);
            }
        }
    }

    /// What a Gateway is told.
    #[track_caller]
    pub(crate) fn gateway(&self, name: &str) -> &GatewayVerdict {
        match self.decision::<Gateway>(name) {
            Decision::Gateway(verdict) => verdict,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// What a listener of a Gateway is told.
    #[track_caller]
    pub(crate) fn listener(&self, gateway: &str, name: &str) -> &ListenerVerdict {
        let mut listeners = self.gateway(gateway).listeners.iter();
        let listener = listeners.find(|one| one.name.as_str() == name);
        listener.unwrap_or_else(|| panic!("{gateway} has no listener {name}"))
    }

    #[track_caller]
    pub(crate) fn parents<T: Kind>(&self, route: &str) -> &[ParentVerdict] {
        match self.decision::<T>(route) {
            Decision::Route(verdict) | Decision::Policy(verdict) => &verdict.parents,
            other => panic!("{route}: {other:?}"),
        }
    }

    #[track_caller]
    fn parents_of<T: Kind>(&self, route: &str, gateway: &str) -> Vec<&ParentVerdict> {
        self.parents_in::<T>(route, "Gateway", gateway)
    }

    /// What a route is told by a parent of this kind.
    #[track_caller]
    pub(crate) fn parents_in<T: Kind>(
        &self,
        route: &str,
        kind: &str,
        parent: &str,
    ) -> Vec<&ParentVerdict> {
        let (namespace, name) = split(parent);
        let own = split(route).0;
        let parents = self.parents::<T>(route).iter();
        parents
            .filter(|one| {
                let parent = &one.parent;
                parent.name == name
                    && parent.namespace.as_deref().unwrap_or(own) == namespace
                    && parent.kind.as_deref() == Some(kind)
                    && parent.group.as_deref() == Some("gateway.networking.k8s.io")
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn decision<T: Kind>(&self, name: &str) -> &Decision {
        let (namespace, name) = split(name);
        let verdict = self.verdicts().get(&ObjectRef::new::<T>(namespace, name));
        &verdict
            .unwrap_or_else(|| panic!("{name} is told nothing"))
            .decision
    }
}

/// A condition has this status and reason.
#[track_caller]
pub(crate) fn is(
    conditions: &[Condition],
    kind: ConditionType,
    status: ConditionStatus,
    reason: Option<Reason>,
    who: &str,
) {
    let found = conditions.iter().find(|one| one.kind() == kind);
    let found = found.unwrap_or_else(|| panic!("{who} is not told whether {kind}"));
    let fits = found.status() == status && reason.is_none_or(|reason| found.reason() == reason);
    assert!(
        fits,
        "{who}: expected {kind}={status}/{reason:?}, found {found:?}"
    );
}

fn split(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((INFRA, name))
}
