//! Asking what came out.

use std::sync::Arc;

use gateway_core::model::{self, Backend, BackendId, ObjectName, Route, Rule, StreamRoute};

use super::split;
use crate::api::{Gateway, GatewayClass, HttpRoute, ListenerSet};
use crate::resolve::Resolved;
use crate::verdict::{
    BindFailure, Condition, ConditionStatus, ConditionType, Decision, GatewayVerdict,
    ListenerSetVerdict, ListenerVerdict, Problem, Reason, RouteVerdict, Verdict,
};
use crate::world::{Kind, ObjectRef};

/// What a world means, with questions a test asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What came out.
    pub resolved: Resolved,
}

impl Outcome {
    /// Of a world that was resolved in another way.
    pub fn of(resolved: Resolved) -> Self {
        Self { resolved }
    }

    /// The verdict about an object, if there is one.
    pub fn verdict<T: Kind>(&self, name: &str) -> Option<&Verdict> {
        let (namespace, name) = split(name);
        self.resolved
            .verdicts
            .get(&ObjectRef::new::<T>(namespace, name))
    }

    /// What a GatewayClass is told.
    pub fn class(&self, name: &str) -> &[Condition] {
        match self
            .verdict::<GatewayClass>(name)
            .map(|verdict| &verdict.decision)
        {
            Some(Decision::GatewayClass(class)) => &class.conditions,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// What a Gateway is told.
    pub fn gateway(&self, name: &str) -> GatewayOutcome<'_> {
        match self
            .verdict::<Gateway>(name)
            .map(|verdict| &verdict.decision)
        {
            Some(Decision::Gateway(verdict)) => GatewayOutcome { verdict },
            other => panic!("{name}: {other:?}"),
        }
    }

    /// What an HTTPRoute is told.
    pub fn route(&self, name: &str) -> RouteOutcome<'_> {
        self.route_of::<HttpRoute>(name)
    }

    /// What a route, a policy or an XBackend is told.
    pub fn route_of<T: Kind>(&self, name: &str) -> RouteOutcome<'_> {
        match self.verdict::<T>(name).map(|verdict| &verdict.decision) {
            Some(
                Decision::Route(verdict) | Decision::Policy(verdict) | Decision::Backend(verdict),
            ) => RouteOutcome { verdict },
            other => panic!("{name}: {other:?}"),
        }
    }

    /// What a ListenerSet is told.
    pub fn listener_set(&self, name: &str) -> ListenerSetOutcome<'_> {
        match self
            .verdict::<ListenerSet>(name)
            .map(|verdict| &verdict.decision)
        {
            Some(Decision::ListenerSet(verdict)) => ListenerSetOutcome { verdict },
            other => panic!("{name}: {other:?}"),
        }
    }

    /// The warnings about an object.
    pub fn warnings<T: Kind>(&self, name: &str) -> &[Problem] {
        self.verdict::<T>(name)
            .map_or(&[], |verdict| &verdict.warnings)
    }

    /// Rule `index` of a route, as the data plane has it.
    pub fn rule(&self, route: &str, index: usize) -> &Rule {
        &self.served(route).rules()[index]
    }

    /// A route as the data plane has it.
    pub fn served(&self, route: &str) -> &Arc<Route> {
        self.find(route)
            .unwrap_or_else(|| panic!("{route} is not served"))
    }

    /// Whether the data plane has a route.
    pub fn is_served(&self, route: &str) -> bool {
        self.find(route).is_some()
    }

    /// The names of the routes that a listener has, as the data plane has it.
    pub fn routes_of(&self, gateway: &str, listener: &str) -> Vec<String> {
        let listeners = self
            .model(gateway)
            .map_or(&[][..], model::Gateway::listeners);
        let named = listeners
            .iter()
            .filter(|one| one.name().as_str() == listener);

        named
            .flat_map(|one| one.routes().iter().map(|route| route.name().to_string()))
            .collect()
    }

    /// The routes for connections or datagrams of a listener, as the data plane has
    /// it.
    pub fn streams_of(&self, gateway: &str, listener: &str) -> &[Arc<StreamRoute>] {
        self.model_listener(gateway, listener)
            .map_or(&[][..], model::Listener::stream_routes)
    }

    /// A listener as the data plane has it; one of a ListenerSet is called
    /// `namespace/set/listener`.
    pub fn model_listener(&self, gateway: &str, listener: &str) -> Option<&model::Listener> {
        let mut listeners = self.model(gateway)?.listeners().iter();

        listeners
            .find(|one| one.name().as_str() == listener)
            .map(Arc::as_ref)
    }

    /// A Gateway as the data plane has it.
    pub fn model(&self, gateway: &str) -> Option<&model::Gateway> {
        let name = ObjectName::from(gateway);
        let mut gateways = self.resolved.configuration.gateways().iter();
        gateways.find(|one| *one.name() == name).map(Arc::as_ref)
    }

    /// A Service as the data plane has it.
    pub fn backend(&self, service: &str, port: u16) -> Option<&Arc<Backend>> {
        let id = BackendId::new("Service", ObjectName::from(service), port);
        self.resolved.configuration.backends().get(&id)
    }

    /// Says what became of the sockets.
    #[must_use]
    pub fn programmed(mut self, failed: &[BindFailure]) -> Self {
        self.resolved.verdicts.programmed(failed);
        self
    }

    fn find(&self, route: &str) -> Option<&Arc<Route>> {
        let name = ObjectName::from(route);
        let gateways = self.resolved.configuration.gateways().iter();
        let listeners = gateways.flat_map(|gateway| gateway.listeners());
        listeners
            .flat_map(|listener| listener.routes())
            .find(|route| *route.name() == name)
    }
}

/// What a Gateway is told.
#[derive(Clone, Copy, Debug)]
pub struct GatewayOutcome<'a> {
    /// The verdict.
    pub verdict: &'a GatewayVerdict,
}

impl<'a> GatewayOutcome<'a> {
    /// What one of its listeners is told.
    pub fn listener(&self, name: &str) -> ListenerOutcome<'a> {
        let mut listeners = self.verdict.listeners.iter();
        let verdict = listeners.find(|one| one.name.as_str() == name);

        ListenerOutcome {
            verdict: verdict.unwrap_or_else(|| panic!("no listener {name}")),
        }
    }

    /// Whether a condition has this status and reason.
    #[track_caller]
    pub fn says(&self, kind: ConditionType, status: ConditionStatus, reason: Reason) {
        says(&self.verdict.conditions, kind, status, reason);
    }
}

/// What a ListenerSet is told.
#[derive(Clone, Copy, Debug)]
pub struct ListenerSetOutcome<'a> {
    /// The verdict.
    pub verdict: &'a ListenerSetVerdict,
}

impl<'a> ListenerSetOutcome<'a> {
    /// What one of its listeners is told.
    pub fn listener(&self, name: &str) -> ListenerOutcome<'a> {
        let mut listeners = self.verdict.listeners.iter();
        let verdict = listeners.find(|one| one.name.as_str() == name);

        ListenerOutcome {
            verdict: verdict.unwrap_or_else(|| panic!("no listener {name}")),
        }
    }

    /// Whether a condition has this status and reason.
    #[track_caller]
    pub fn says(&self, kind: ConditionType, status: ConditionStatus, reason: Reason) {
        says(&self.verdict.conditions, kind, status, reason);
    }
}

/// What a listener is told.
#[derive(Clone, Copy, Debug)]
pub struct ListenerOutcome<'a> {
    /// The verdict.
    pub verdict: &'a ListenerVerdict,
}

impl ListenerOutcome<'_> {
    /// Whether a condition has this status and reason.
    #[track_caller]
    pub fn says(&self, kind: ConditionType, status: ConditionStatus, reason: Reason) {
        says(&self.verdict.conditions, kind, status, reason);
    }

    /// The kinds of routes it takes.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.verdict
            .supported_kinds
            .iter()
            .map(|kind| kind.kind)
            .collect()
    }

    /// The message of a condition.
    pub fn message(&self, kind: ConditionType) -> String {
        let mut conditions = self.verdict.conditions.iter();
        let found = conditions.find(|one| one.kind() == kind);
        found.map(Condition::message).unwrap_or_default()
    }

    /// Whether there is a condition of this type.
    pub fn has(&self, kind: ConditionType) -> bool {
        self.verdict.conditions.iter().any(|one| one.kind() == kind)
    }
}

/// What a route is told.
#[derive(Clone, Copy, Debug)]
pub struct RouteOutcome<'a> {
    /// The verdict.
    pub verdict: &'a RouteVerdict,
}

impl RouteOutcome<'_> {
    /// Whether every parent says so.
    #[track_caller]
    pub fn accepts(&self, kind: ConditionType) {
        self.says(
            kind,
            ConditionStatus::True,
            match kind {
                ConditionType::ResolvedRefs => Reason::ResolvedRefs,
                _ => Reason::Accepted,
            },
        );
    }

    /// Whether every parent denies it, for this reason.
    #[track_caller]
    pub fn refuses(&self, kind: ConditionType, reason: Reason) {
        self.says(kind, ConditionStatus::False, reason);
    }

    /// Whether every parent has this condition.
    #[track_caller]
    pub fn says(&self, kind: ConditionType, status: ConditionStatus, reason: Reason) {
        assert!(!self.verdict.parents.is_empty(), "there is no parent");
        for parent in &self.verdict.parents {
            says(&parent.conditions, kind, status, reason);
        }
    }

    /// Whether there is a condition of this type.
    pub fn has(&self, kind: ConditionType) -> bool {
        let mut parents = self.verdict.parents.iter();
        parents.any(|parent| parent.conditions.iter().any(|one| one.kind() == kind))
    }

    /// The message of a condition of the first parent.
    pub fn message(&self, kind: ConditionType) -> String {
        let conditions = self
            .verdict
            .parents
            .iter()
            .flat_map(|parent| &parent.conditions);
        let mut found = conditions.filter(|one| one.kind() == kind);
        found.next().map(Condition::message).unwrap_or_default()
    }
}

#[track_caller]
fn says(conditions: &[Condition], kind: ConditionType, status: ConditionStatus, reason: Reason) {
    let found = conditions.iter().find(|one| one.kind() == kind);
    let found = found.map(|one| (one.status(), one.reason(), one.message()));
    let matches = found
        .as_ref()
        .is_some_and(|(is, because, _)| *is == status && *because == reason);

    assert!(
        matches,
        "expected {kind}={status}/{reason}, found {found:?}"
    );
}
