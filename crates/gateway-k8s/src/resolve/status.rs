//! From plans to what objects are told.

use std::sync::Arc;

use super::attach::Attached;
use super::gateway::GatewayPlan;
use super::listener::ListenerPlan;
use super::served::Served;
use crate::verdict::ConditionStatus::{False, True};
use crate::verdict::{
    Condition, ConditionType, Decision, GatewayVerdict, ListenerVerdict, Problem, Reason, Verdict,
};
use crate::world::World;

/// What a Gateway of ours is told.
pub(super) fn gateway(plan: &GatewayPlan, world: &World, served: &Served) -> Option<Verdict> {
    let loaded = world
        .gateways
        .get(plan.name.namespace(), plan.name.name())?;
    let listeners = plan.listeners.iter().enumerate();
    let listeners = listeners.map(|(index, listener)| ListenerVerdict {
        name: listener.name.clone(),
        port: listener.port,
        supported_kinds: listener.kinds.clone(),
        attached_routes: served.count_of(&plan.name, index),
        conditions: listener_conditions(plan, listener),
    });
    let verdict = GatewayVerdict {
        conditions: gateway_conditions(plan),
        listeners: listeners.collect(),
        addresses: if plan.is_served() {
            plan.addresses.clone()
        } else {
            Vec::new()
        },
    };
    let decision = Decision::Gateway(Arc::new(verdict));
    let verdict = Verdict::new(plan.object.clone(), loaded, decision);
    Some(verdict.with_warnings(&plan.warnings))
}

/// What a route is told by each of its parents, if any is ours or something is
/// wrong.
pub(super) fn route(attached: &Attached, world: &World) -> Option<Verdict> {
    let object = &attached.converted.object;
    if attached.verdict.parents.is_empty() && attached.warnings.is_empty() {
        return None;
    }
    let loaded = world.http_routes.get(&object.namespace, &object.name)?;
    let decision = Decision::Route(Arc::clone(&attached.verdict));
    let verdict = Verdict::new(object.clone(), loaded, decision);
    Some(verdict.with_warnings(&attached.warnings))
}

fn gateway_conditions(plan: &GatewayPlan) -> Vec<Condition> {
    vec![
        gateway_accepted(plan),
        gateway_programmed(plan),
        gateway_resolved(plan),
    ]
}

fn gateway_accepted(plan: &GatewayPlan) -> Condition {
    let kind = ConditionType::Accepted;
    let bad: Vec<_> = plan
        .listeners
        .iter()
        .filter(|one| !one.is_accepted())
        .collect();
    let told = || format!("not accepted: {}", names(&bad));

    if !plan.is_accepted() {
        Condition::bad(kind, plan.refused.clone())
    } else if bad.is_empty() {
        Condition::good(kind, Reason::Accepted, "every listener is accepted")
    } else if bad.len() < plan.listeners.len() {
        Condition::follows(kind, True, Reason::ListenersNotValid, told())
    } else {
        Condition::follows(kind, False, Reason::ListenersNotValid, told())
    }
}

fn names(listeners: &[&ListenerPlan]) -> String {
    let names: Vec<_> = listeners
        .iter()
        .map(|one| format!("listener {}", one.name))
        .collect();

    names.join(", ")
}

fn gateway_programmed(plan: &GatewayPlan) -> Condition {
    let kind = ConditionType::Programmed;

    if !plan.is_accepted() {
        Condition::follows(kind, False, Reason::Invalid, "the Gateway is not accepted")
    } else if let Some(problem) = &plan.unassigned {
        Condition::bad(kind, vec![problem.clone()])
    } else if !plan.listeners.iter().any(ListenerPlan::is_served) {
        Condition::follows(kind, False, Reason::Invalid, "no listener can be served")
    } else {
        Condition::pending(kind, "is about to be served")
    }
}

fn gateway_resolved(plan: &GatewayPlan) -> Condition {
    let kind = ConditionType::ResolvedRefs;
    let listeners = plan.listeners.iter();
    let bad: Vec<_> = listeners.filter(|one| !one.unresolved.is_empty()).collect();

    if !plan.unresolved.is_empty() {
        Condition::bad(kind, plan.unresolved.clone())
    } else if bad.is_empty() {
        Condition::good(kind, Reason::ResolvedRefs, "every reference was found")
    } else {
        let told = format!("not resolved: {}", names(&bad));
        Condition::follows(kind, False, Reason::ListenersNotResolved, told)
    }
}

fn listener_conditions(plan: &GatewayPlan, listener: &ListenerPlan) -> Vec<Condition> {
    let problems = listener.refused.iter().chain(&listener.conflicts).cloned();
    let mut conditions = vec![
        Condition::judged(
            ConditionType::Accepted,
            Reason::Accepted,
            "the listener is accepted",
            problems.collect(),
        ),
        listener_programmed(plan, listener),
        Condition::judged(
            ConditionType::ResolvedRefs,
            Reason::ResolvedRefs,
            "every reference was found",
            listener.unresolved.clone(),
        ),
    ];
    if let Some(first) = listener.conflicts.first() {
        let kind = ConditionType::Conflicted;
        conditions.push(Condition::follows(
            kind,
            True,
            first.reason,
            first.to_string(),
        ));
    }

    conditions
}

fn listener_programmed(plan: &GatewayPlan, listener: &ListenerPlan) -> Condition {
    let kind = ConditionType::Programmed;
    let taken = |problem: &&Problem| problem.reason == Reason::PortUnavailable;

    if !plan.is_served() {
        Condition::follows(kind, False, Reason::Invalid, "the Gateway is not served")
    } else if listener.refused.iter().any(|problem| taken(&problem)) {
        Condition::follows(kind, False, Reason::PortUnavailable, "the port is taken")
    } else if let Some(conflict) = listener.conflicts.first() {
        Condition::follows(
            kind,
            False,
            conflict.reason,
            "the listener conflicts with another",
        )
    } else if !listener.is_accepted() {
        Condition::follows(kind, False, Reason::Invalid, "the listener is not accepted")
    } else if !listener.is_served() {
        Condition::follows(kind, False, Reason::Invalid, "references are not resolved")
    } else {
        Condition::pending(kind, "is about to be served")
    }
}
