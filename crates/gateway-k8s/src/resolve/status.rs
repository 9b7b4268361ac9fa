//! From plans to what objects are told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gateway_core::model::ObjectName;

use super::attach::Plans;
use super::gateway::GatewayPlan;
use super::listener::ListenerPlan;
use super::listener_sets;
use super::resolver::Placed;
use super::spoken::{Spoken, Transport};
use super::x_backend;
use crate::api::ParentReference;
use crate::verdict::ConditionStatus::{False, True};
use crate::verdict::{
    Condition, ConditionType, Decision, GatewayVerdict, ListenerSetVerdict, ListenerVerdict,
    ParentVerdict, Problem, Reason, RouteVerdict, Verdict, Verdicts,
};
use crate::world::{ObjectRef, World};

/// Tells every Gateway of ours what became of it.
pub(super) fn gateways(plans: &Plans, world: &World, placed: &[Placed], verdicts: &mut Verdicts) {
    let mut counts: HashMap<(&ObjectName, usize), u32, foldhash::fast::RandomState> =
        HashMap::default();
    for placed in placed {
        for (gateway, listener) in &placed.attached.listeners {
            *counts.entry((gateway, *listener)).or_default() += 1;
        }
    }

    for (name, plan) in plans {
        let Some(loaded) = world.gateways.get(name.namespace(), name.name()) else {
            continue;
        };
        let of = |set| -> Vec<_> {
            let listeners = plan.listeners_of(set);
            listeners
                .map(|(index, listener)| {
                    let count = counts.get(&(name, index)).copied();
                    listener_verdict(plan, listener, count.unwrap_or_default())
                })
                .collect()
        };
        let addresses = || {
            if plan.is_served() {
                plan.addresses.clone()
            } else {
                Vec::new()
            }
        };
        for (index, set) in plan.sets.iter().enumerate() {
            let name = &set.name;
            if let Some(loaded) = world.listener_sets.get(name.namespace(), name.name()) {
                let verdict = ListenerSetVerdict {
                    conditions: listener_sets::conditions(plan, index),
                    listeners: of(Some(index)),
                    addresses: addresses(),
                };
                let decision = Decision::ListenerSet(Arc::new(verdict));
                let warnings = Arc::new(listener_sets::warnings(plan, index));
                let verdict = Verdict::new(set.object.clone(), loaded, decision);
                verdicts.put(verdict.with_warnings(&warnings));
            }
        }
        let sets = (0..plan.sets.len()).filter(|set| listener_sets::is_attached(plan, *set));
        let verdict = GatewayVerdict {
            conditions: gateway_conditions(plan),
            listeners: of(None),
            addresses: addresses(),
            attached_listener_sets: u32::try_from(sets.count()).unwrap_or(u32::MAX),
        };
        let decision = Decision::Gateway(Arc::new(verdict));
        verdicts
            .put(Verdict::new(plan.object.clone(), loaded, decision).with_warnings(&plan.warnings));
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
        port: listener.port,
        datagrams: transport == Some(Transport::Udp),
        supported_kinds: listener.kinds.clone(),
        attached_routes,
        certificates: listener.certificates().to_vec(),
        conditions: listener_conditions(plan, listener),
    }
}

/// Tells every route what each of its parents says.
pub(super) fn routes(placed: &[Placed], verdicts: &mut Verdicts) {
    for Placed {
        generation,
        attached,
    } in placed
    {
        let ours = !attached.verdict.parents.is_empty();
        if ours || !attached.warnings.is_empty() {
            let decision = Decision::Route(Arc::clone(&attached.verdict));
            let verdict = Verdict {
                object: attached.converted.object.clone(),
                generation: *generation,
                decision,
                warnings: Arc::default(),
            };
            verdicts.put(verdict.with_warnings(&attached.warnings));
        }
    }
}

/// Tells every XBackend, for each Gateway whose routes refer to it, whether it
/// can be used.
pub(super) fn x_backends(placed: &[Placed], world: &World, verdicts: &mut Verdicts) {
    if world.backends.is_empty() {
        return;
    }
    let mut ancestors: BTreeMap<&ObjectName, Vec<&ObjectName>> = BTreeMap::new();
    for placed in placed {
        let backends = placed.attached.converted.backends.iter();
        for id in backends.filter(|id| id.kind() == "XBackend") {
            let gateways = ancestors.entry(id.object()).or_default();
            gateways.extend(placed.attached.listeners.iter().map(|(gateway, _)| gateway));
        }
    }

    for loaded in world.backends.iter() {
        let object = ObjectRef::of(&**loaded);
        let name = ObjectName::new(Arc::clone(&object.namespace), Arc::clone(&object.name));
        if let Err(problem) = x_backend::place(loaded) {
            verdicts.warn(loaded, problem);
            continue;
        }
        let Some(mut gateways) = ancestors.remove(&name) else {
            continue;
        };
        gateways.sort();
        gateways.dedup();
        let accepted = || {
            Condition::good(
                ConditionType::Accepted,
                Reason::Accepted,
                "the backend is used",
            )
        };
        let parents = gateways.into_iter().map(|gateway| ParentVerdict {
            parent: ancestor(gateway),
            conditions: vec![accepted()],
        });
        let verdict = RouteVerdict {
            parents: parents.collect(),
        };
        verdicts.put(Verdict::new(
            object,
            loaded,
            Decision::Backend(Arc::new(verdict)),
        ));
    }
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
    } else if !listener.is_served() {
        Condition::follows(kind, False, Reason::Invalid, "references are not resolved")
    } else {
        Condition::pending(kind, "is about to be served")
    }
}
