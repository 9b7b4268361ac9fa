//! What ListenerSets are told.

use super::gateway::GatewayPlan;
use super::listener::ListenerPlan;
use crate::verdict::ConditionStatus::False;
use crate::verdict::{Condition, ConditionType, Problem, Reason};

/// Whether one of its listeners is served, so that it counts as the Gateway's.
pub(super) fn is_attached(plan: &GatewayPlan, set: usize) -> bool {
    plan.is_accepted() && listeners(plan, set).any(ListenerPlan::is_served)
}

/// `Accepted` and `Programmed`.
pub(super) fn conditions(plan: &GatewayPlan, set: usize) -> Vec<Condition> {
    vec![accepted(plan, set), programmed(plan, set)]
}

/// What is wrong with it or its listeners and has no place in a condition.
pub(super) fn warnings(plan: &GatewayPlan, set: usize) -> Vec<Problem> {
    let own = plan.sets.get(set).into_iter();
    let own = own.flat_map(|set| set.warnings.iter().cloned());
    let listeners = listeners(plan, set);

    own.chain(listeners.flat_map(|listener| listener.warnings.iter().cloned()))
        .collect()
}

fn accepted(plan: &GatewayPlan, set: usize) -> Condition {
    let kind = ConditionType::Accepted;
    let refused = plan.sets.get(set).map(|set| &set.refused);

    match refused {
        Some(refused) if !refused.is_empty() => Condition::bad(kind, refused.clone()),
        _ if is_attached(plan, set) => {
            Condition::good(kind, Reason::Accepted, "its listeners are the Gateway's")
        }
        _ => Condition::follows(
            kind,
            False,
            Reason::ListenersNotValid,
            "none of its listeners can be served",
        ),
    }
}

fn programmed(plan: &GatewayPlan, set: usize) -> Condition {
    let kind = ConditionType::Programmed;
    let refused = plan.sets.get(set).and_then(|set| set.refused.first());

    match refused.map(|problem| problem.reason) {
        Some(Reason::ParentNotAccepted) => {
            let summary = "the Gateway is not accepted";
            Condition::follows(kind, False, Reason::ParentNotProgrammed, summary)
        }
        Some(reason) => Condition::follows(kind, False, reason, "it is not accepted"),
        None if !is_attached(plan, set) => Condition::follows(
            kind,
            False,
            Reason::ListenersNotValid,
            "none of its listeners can be served",
        ),
        None if !plan.is_served() => {
            let summary = "the Gateway is not served";
            Condition::follows(kind, False, Reason::ParentNotProgrammed, summary)
        }
        None => Condition::pending(kind, "is about to be served"),
    }
}

fn listeners(plan: &GatewayPlan, set: usize) -> impl Iterator<Item = &ListenerPlan> {
    plan.listeners_of(Some(set)).map(|(_, listener)| listener)
}
