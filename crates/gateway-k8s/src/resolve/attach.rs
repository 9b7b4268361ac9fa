//! Which listeners a route is attached to, and what it is told about each parent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway_core::model::{BackendId, ObjectName};

use super::field::Field;
use super::gateway::GatewayPlan;
use super::listener::ListenerPlan;
use super::matches::unsupported;
use super::parent::{self, Named};
use super::plans::Plans;
use super::route::{Converted, ModelRoute, RouteObject};
use super::view::View;
use super::{GATEWAY_GROUP, Settings, client, endpoints};
use crate::api::{DefaultScope, ParentReference};
use crate::verdict::{Condition, ConditionType, ParentVerdict, Problem, Reason, RouteVerdict};
use crate::world::Loaded;

/// Where a route is attached.
#[derive(Debug, PartialEq)]
pub(super) struct Attached {
    /// What was attached.
    pub(super) converted: Arc<Converted>,
    /// The Gateways that were looked for.
    pub(super) gateways: Vec<(ObjectName, Option<Arc<GatewayPlan>>)>,
    /// The Gateway and the listener's position in it.
    pub(super) listeners: Vec<(ObjectName, usize)>,
    /// The route as single Gateways have it, which show backends who they are.
    own_routes: BTreeMap<ObjectName, ModelRoute>,
    /// The backends of these.
    own_backends: BTreeSet<BackendId>,
    pub(super) verdict: Arc<RouteVerdict>,
    pub(super) warnings: Arc<Vec<Problem>>,
}

impl Attached {
    /// The route as a Gateway has it.
    pub(super) fn route_of(&self, gateway: &ObjectName) -> Option<&ModelRoute> {
        let own = self.own_routes.get(gateway);

        own.or(self.converted.route.as_ref())
    }

    /// Every backend that its rules refer to, as they are for its Gateways.
    pub(super) fn backends(&self) -> impl Iterator<Item = &BackendId> {
        self.converted.backends.iter().chain(&self.own_backends)
    }

    /// The listeners that count it in `attachedRoutes`.
    ///
    /// Source: `ListenerStatus.attachedRoutes`: routes that are not accepted are not counted,
    /// while it does not matter whether the listener is, or where references lead.
    pub(super) fn counted(&self) -> &[(ObjectName, usize)] {
        if self.converted.is_refused() {
            return &[];
        }
        &self.listeners
    }

    /// Whether anything can come to it.
    pub(super) fn is_served(&self) -> bool {
        self.converted.route.is_some() && !self.listeners.is_empty()
    }

    /// Whether every Gateway has the very routes that it had.
    pub(super) fn has_same_routes(&self, before: &Self) -> bool {
        let same = |one: Option<&ModelRoute>, other: Option<&ModelRoute>| match (one, other) {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let all_own = self.own_routes.len() == before.own_routes.len()
            && self
                .own_routes
                .iter()
                .all(|(gateway, route)| same(Some(route), before.own_routes.get(gateway)));

        all_own
            && same(
                self.converted.route.as_ref(),
                before.converted.route.as_ref(),
            )
    }

    /// Whether it is what would come out again.
    pub(super) fn stands(&self, converted: &Arc<Converted>, plans: &Plans) -> bool {
        let same =
            |(name, then): &(ObjectName, Option<Arc<GatewayPlan>>)| match (then, plans.get(name)) {
                (Some(then), Some(now)) => Arc::ptr_eq(then, now),
                (then, now) => then.is_none() && now.is_none(),
            };

        Arc::ptr_eq(&self.converted, converted) && self.gateways.iter().all(same)
    }
}

/// Attaches a route to every listener that it names and that takes it.
pub(super) fn attach<T: RouteObject>(
    view: &View<'_>,
    settings: &Settings,
    loaded: &Loaded<T>,
    converted: &Arc<Converted>,
    plans: &Plans,
) -> Attached {
    let mut attaching = Attaching {
        view,
        settings,
        converted,
        plans,
        verdict: RouteVerdict::default(),
        warnings: Vec::clone(&converted.warnings),
        gateways: Vec::new(),
        listeners: Vec::new(),
    };
    for (index, parent) in loaded.parents().iter().enumerate() {
        attaching.to(parent, &Field::SPEC.item("parentRefs", index));
    }
    warn(
        settings,
        &**loaded,
        &attaching.verdict,
        &mut attaching.warnings,
    );
    attaching.done()
}

/// A route, on its way from one parent to the next.
struct Attaching<'a> {
    view: &'a View<'a>,
    settings: &'a Settings,
    converted: &'a Arc<Converted>,
    plans: &'a Plans,
    verdict: RouteVerdict,
    warnings: Vec<Problem>,
    gateways: Vec<(ObjectName, Option<Arc<GatewayPlan>>)>,
    listeners: Vec<(ObjectName, usize)>,
}

impl Attaching<'_> {
    /// Attaches it to what one parent names.
    fn to(&mut self, parent: &ParentReference, at: &Field<'_>) {
        let Some((name, set)) = self.gateway_of(parent, at) else {
            return;
        };
        let (view, converted) = (self.view, self.converted);
        let plan = self.plans.get(&name);
        // One allocation of the name for all routes.
        let name = plan.map_or(name, |plan| plan.name.clone());
        self.gateways.push((name.clone(), plan.cloned()));
        let Some(plan) = plan else {
            let missing = parent::missing(view, self.settings, &name, at);
            self.warnings.extend(missing);
            return;
        };

        let found = match parent::set_of(plan, set.as_ref(), at) {
            Ok(set) => candidates(view, plan, set, parent, converted, at),
            Err(problem) => Err(problem),
        };
        for index in found.iter().flatten() {
            let listener = (name.clone(), *index);
            if !self.listeners.contains(&listener) {
                self.listeners.push(listener);
            }
        }
        self.verdict.parents.push(ParentVerdict {
            parent: parent::written_out(parent),
            conditions: conditions(converted, plan, found, at),
        });
    }

    /// The Gateway that a parent names, and the ListenerSet if it names that. Warns where it is
    /// none of ours to decide about.
    fn gateway_of(
        &mut self,
        parent: &ParentReference,
        at: &Field<'_>,
    ) -> Option<(ObjectName, Option<ObjectName>)> {
        match Named::read(self.view, parent, &self.converted.object.namespace) {
            Named::Gateway(name) => Some((name, None)),
            Named::ListenerSet { set, gateway } => Some((gateway, Some(set))),
            Named::Missing(message) => {
                let problem = Problem::new(Reason::NoMatchingParent, message).at(at);
                let is_told = self.settings.complete;
                self.warnings.extend(is_told.then_some(problem));
                None
            }
            Named::Other => {
                let kind = parent.kind.as_deref().unwrap_or_default();
                let message = format!("parents of kind {kind} are not supported");
                self.warnings.push(unsupported(message, at));
                None
            }
        }
    }

    fn done(mut self) -> Attached {
        let (own_routes, own_backends) =
            own_routes(self.view, self.converted, &self.listeners, self.plans);
        // It is kept for long.
        self.gateways.shrink_to_fit();
        self.listeners.shrink_to_fit();
        self.verdict.parents.shrink_to_fit();

        Attached {
            converted: Arc::clone(self.converted),
            gateways: self.gateways,
            listeners: self.listeners,
            own_routes,
            own_backends,
            verdict: Arc::new(self.verdict),
            warnings: Arc::new(self.warnings),
        }
    }
}

/// The route for each of its Gateways that shows a certificate to backends which it
/// speaks to over TLS; and these, which are then backends of its own.
fn own_routes(
    view: &View<'_>,
    converted: &Converted,
    listeners: &[(ObjectName, usize)],
    plans: &Plans,
) -> (BTreeMap<ObjectName, ModelRoute>, BTreeSet<BackendId>) {
    let (mut own, mut backends) = (BTreeMap::new(), BTreeSet::new());
    let Some(route) = &converted.route else {
        return (own, backends);
    };
    let gateways: BTreeSet<_> = listeners.iter().map(|(gateway, _)| gateway).collect();
    let has_client = |gateway: &&ObjectName| {
        let plan = plans.get(gateway);
        plan.is_some_and(|plan| plan.client_certificate.is_some())
    };

    for gateway in gateways.into_iter().filter(has_client) {
        let secured = converted.backends.iter();
        let secured: BTreeSet<_> = secured
            .filter(|id| endpoints::is_secured(view, id))
            .cloned()
            .collect();
        if !secured.is_empty() {
            own.insert(gateway.clone(), client::route_for(gateway, &secured, route));
            let secured = secured.into_iter();
            backends.extend(secured.map(|id| id.with_client(gateway.clone())));
        }
    }

    (own, backends)
}

/// What is not obeyed, where the API has no condition to say so.
fn warn<T: RouteObject>(
    settings: &Settings,
    loaded: &T,
    verdict: &RouteVerdict,
    warnings: &mut Vec<Problem>,
) {
    let at = Field::SPEC;
    let scope = loaded.default_scope();
    if scope.is_some_and(|scope| *scope != DefaultScope::None) {
        warnings.push(unsupported(
            "there are no default Gateways",
            &at.name("useDefaultGateways"),
        ));
    }
    if settings.complete && verdict.parents.is_empty() && warnings.is_empty() {
        let problem = Problem::new(
            Reason::NoMatchingParent,
            "no Gateway of this gateway is its parent",
        );
        warnings.push(problem.at(at.name("parentRefs")));
    }
}

/// The listeners that take the route, of those that the parent names.
fn candidates(
    view: &View<'_>,
    plan: &GatewayPlan,
    set: Option<usize>,
    parent: &ParentReference,
    route: &Converted,
    at: &Field<'_>,
) -> Result<Vec<usize>, Problem> {
    let gateway = &plan.name;
    let named = |one: &ListenerPlan| {
        let name = parent.section_name.as_deref();
        name.is_none_or(|name| name == one.name.as_str())
            && parent.port.is_none_or(|port| port == i32::from(one.port))
    };
    let admits = |one: &ListenerPlan| {
        let namespaces = one.namespaces.as_ref();
        one.takes(GATEWAY_GROUP, &route.object.kind)
            && namespaces.is_some_and(|some| {
                some.admit(view, plan.namespace_of(one), &route.object.namespace)
            })
    };
    let shares = |one: &ListenerPlan| match &one.hostname {
        Some(own) if !route.hostnames.is_empty() => route
            .hostnames
            .iter()
            .any(|hostname| hostname.intersects(own)),
        _ => true,
    };

    let all = plan.listeners_of(set);
    let left: Vec<_> = all.filter(|(_, one)| named(one)).collect();
    if left.is_empty() {
        let message = match set.and_then(|set| plan.sets.get(set)) {
            Some(set) => format!("ListenerSet {} has no such listener", set.name),
            None => format!("Gateway {gateway} has no such listener"),
        };
        let remedy = format!("its listeners are {}", plan.names_of(set));
        return Err(Problem::new(Reason::NoMatchingParent, message)
            .at(at)
            .remedy(remedy));
    }
    let left: Vec<_> = left.into_iter().filter(|(_, one)| admits(one)).collect();
    if left.is_empty() {
        let message = format!(
            "no listener of Gateway {gateway} takes {}s of namespace {}",
            route.object.kind, route.object.namespace
        );
        let problem = Problem::new(Reason::NotAllowedByListeners, message).at(at);
        return Err(problem.remedy("allow it in allowedRoutes of a listener"));
    }
    let left: Vec<_> = left.into_iter().filter(|(_, one)| shares(one)).collect();
    if left.is_empty() {
        let message =
            format!("no listener of Gateway {gateway} has a hostname in common with the route");
        let problem = Problem::new(Reason::NoMatchingListenerHostname, message);
        return Err(problem.at(Field::SPEC.name("hostnames")));
    }

    Ok(left.into_iter().map(|(index, _)| index).collect())
}

fn conditions(
    route: &Converted,
    plan: &GatewayPlan,
    found: Result<Vec<usize>, Problem>,
    at: &Field<'_>,
) -> Vec<Condition> {
    let broken = || route.broken.iter().map(|(_, problem)| problem.clone());

    let mut problems = Vec::new();
    match found {
        Err(problem) => problems.push(problem),
        Ok(found)
            if !found
                .iter()
                .any(|index| plan.listeners[*index].is_accepted()) =>
        {
            let message = format!(
                "no listener of Gateway {} that takes the route is accepted",
                plan.name
            );
            problems.push(Problem::new(Reason::NoMatchingParent, message).at(at));
        }
        Ok(_) => {}
    }
    problems.extend(route.refused.iter().cloned());
    if route.is_refused() {
        problems.extend(broken());
    }
    let accepted = problems.is_empty();

    let mut conditions = vec![
        Condition::judged(
            ConditionType::Accepted,
            Reason::Accepted,
            "the route is attached",
            problems,
        ),
        Condition::judged(
            ConditionType::ResolvedRefs,
            Reason::ResolvedRefs,
            "every reference was found",
            route.unresolved.clone(),
        ),
    ];
    if accepted && !route.broken.is_empty() {
        let rules = route.broken_rules().into_iter();
        let rules: Vec<_> = rules.map(|index| index.to_string()).collect();
        let summary = format!("Dropped Rule {}:", rules.join(", "));
        conditions.push(Condition::impaired(
            ConditionType::PartiallyInvalid,
            summary,
            broken().collect(),
        ));
    }

    conditions
}
