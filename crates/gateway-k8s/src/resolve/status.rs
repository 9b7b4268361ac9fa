//! From plans to what objects are told.

use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::ObjectName;

use super::attach::Attached;
use super::gateway::GatewayPlan;
use super::listener::{Behind, ListenerPlan};
use super::listener_sets;
use super::served::Served;
use super::spoken::{Spoken, Transport};
use crate::api::ParentReference;
use crate::verdict::ConditionStatus::{False, True};
use crate::verdict::{
    Condition, ConditionType, Decision, GatewayVerdict, ListenerSetVerdict, ListenerVerdict,
    Problem, PublishedAddresses, Reason, Verdict,
};
use crate::world::World;

/// What a Gateway of ours is told.
pub(super) fn gateway(plan: &GatewayPlan, world: &World, served: &Served) -> Option<Verdict> {
    let loaded = world
        .gateways
        .get(plan.name.namespace(), plan.name.name())?;
    let sets = (0..plan.sets.len()).filter(|set| listener_sets::is_attached(plan, *set));
    let verdict = GatewayVerdict {
        conditions: gateway_conditions(plan),
        listeners: listeners(plan, None, served),
        addresses: addresses(plan),
        published: plan.published.as_ref().map(|published| PublishedAddresses {
            addresses: published.addresses.clone(),
            hostnames: published.hostnames.clone(),
        }),
        attached_listener_sets: u32::try_from(sets.count()).unwrap_or(u32::MAX),
    };
    let decision = Decision::Gateway(Arc::new(verdict));
    let verdict = Verdict::new(plan.object.clone(), loaded, decision);
    Some(verdict.with_warnings(&plan.warnings))
}

/// What the ListenerSets of a Gateway are told.
pub(super) fn listener_sets(
    plan: &GatewayPlan,
    world: &World,
    served: &Served,
) -> impl Iterator<Item = Verdict> {
    let sets = plan.sets.iter().enumerate();

    sets.filter_map(move |(index, set)| {
        let name = &set.name;
        let loaded = world.listener_sets.get(name.namespace(), name.name())?;
        let verdict = ListenerSetVerdict {
            conditions: listener_sets::conditions(plan, index),
            listeners: listeners(plan, Some(index), served),
            addresses: addresses(plan),
        };
        let decision = Decision::ListenerSet(Arc::new(verdict));
        let warnings = Arc::new(listener_sets::warnings(plan, index));
        let verdict = Verdict::new(set.object.clone(), loaded, decision);
        Some(verdict.with_warnings(&warnings))
    })
}

fn listeners(plan: &GatewayPlan, set: Option<usize>, served: &Served) -> Vec<ListenerVerdict> {
    let listeners = plan.listeners_of(set);

    listeners
        .map(|(index, listener)| {
            listener_verdict(plan, listener, served.count_of(&plan.name, index))
        })
        .collect()
}

fn addresses(plan: &GatewayPlan) -> Vec<IpAddr> {
    if plan.is_served() {
        plan.addresses.clone()
    } else {
        Vec::new()
    }
}

fn listener_verdict(
    plan: &GatewayPlan,
    listener: &ListenerPlan,
    attached_routes: u32,
) -> ListenerVerdict {
    let transport = listener.spoken.map(Spoken::transport);

    ListenerVerdict {
        name: listener.name.clone(),
        port: match listener.behind {
            Behind::Other(port) => port,
            Behind::Same | Behind::Missing => listener.port,
        },
        datagrams: transport == Some(Transport::Udp),
        supported_kinds: listener.kinds.clone(),
        attached_routes,
        certificates: listener.certificates().to_vec(),
        conditions: listener_conditions(plan, listener),
    }
}

/// What a route is told by each of its parents, if any is ours or something is
/// wrong.
pub(super) fn route(attached: &Attached) -> Option<Verdict> {
    if attached.verdict.parents.is_empty() && attached.warnings.is_empty() {
        return None;
    }

    Some(Verdict {
        object: attached.converted.object.clone(),
        generation: attached.converted.generation,
        decision: Decision::Route(Arc::clone(&attached.verdict)),
        warnings: Arc::clone(&attached.warnings),
    })
}

/// A Gateway, as the status of what is used through it names it.
pub(super) fn ancestor(gateway: &ObjectName) -> ParentReference {
    ParentReference {
        group: Some(super::GATEWAY_GROUP.to_owned()),
        kind: Some("Gateway".to_owned()),
        namespace: Some(gateway.namespace().to_owned()),
        name: gateway.name().to_owned(),
        ..ParentReference::default()
    }
}

fn gateway_conditions(plan: &GatewayPlan) -> Vec<Condition> {
    let mut conditions = vec![
        gateway_accepted(plan),
        gateway_programmed(plan),
        gateway_resolved(plan),
    ];
    if plan.insecure {
        conditions.push(Condition::follows(
            ConditionType::InsecureFrontendValidationMode,
            True,
            Reason::ConfigurationChanged,
            "clients without a valid certificate are let in",
        ));
    }

    conditions
}

fn gateway_accepted(plan: &GatewayPlan) -> Condition {
    let kind = ConditionType::Accepted;
    let own: Vec<_> = own(plan).collect();
    let bad: Vec<_> = own
        .iter()
        .copied()
        .filter(|one| !one.is_accepted())
        .collect();
    let told = || format!("not accepted: {}", names(&bad));

    if !plan.is_accepted() {
        Condition::bad(kind, plan.refused.clone())
    } else if bad.is_empty() {
        Condition::good(kind, Reason::Accepted, "every listener is accepted")
    } else if bad.len() < own.len() {
        Condition::follows(kind, True, Reason::ListenersNotValid, told())
    } else {
        Condition::follows(kind, False, Reason::ListenersNotValid, told())
    }
}

/// The listeners that are written in the Gateway itself.
fn own(plan: &GatewayPlan) -> impl Iterator<Item = &ListenerPlan> {
    plan.listeners_of(None).map(|(_, listener)| listener)
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
    } else if let Some(problem) = plan.unassigned.as_ref().or(plan.unreachable.as_ref()) {
        Condition::bad(kind, vec![problem.clone()])
    } else if !plan.listeners.iter().any(ListenerPlan::is_served) {
        Condition::follows(kind, False, Reason::Invalid, "no listener can be served")
    } else {
        Condition::pending(kind, "is about to be served")
    }
}

fn gateway_resolved(plan: &GatewayPlan) -> Condition {
    let kind = ConditionType::ResolvedRefs;
    let bad: Vec<_> = own(plan).filter(|one| !one.unresolved.is_empty()).collect();

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
    if let Some((reason, message)) = &listener.overlaps {
        let kind = ConditionType::OverlappingTLSConfig;
        conditions.push(Condition::follows(kind, True, *reason, message.clone()));
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
    } else if listener.behind == Behind::Missing {
        let summary = "the Service of the Gateway does not have the port yet";
        Condition::follows(kind, False, Reason::Pending, summary)
    } else if !listener.is_served() {
        Condition::follows(kind, False, Reason::Invalid, "references are not resolved")
    } else {
        Condition::pending(kind, "is about to be served")
    }
}
