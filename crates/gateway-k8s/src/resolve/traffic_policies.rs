//! What XBackendTrafficPolicies are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::Service;

use super::backend_traffic::{self, in_force, is_service};
use super::field::Field;
use super::memo::Step;
use super::policies::MAX_ANCESTORS;
use super::status::ancestor;
use super::users::Users;
use super::view::View;
use crate::api::{BackendTrafficTarget, XBackendTrafficPolicy};
use crate::verdict::{
    Condition, ConditionType, Decision, ParentVerdict, Problem, Reason, RouteVerdict, Verdict,
    Verdicts,
};
use crate::world::{Kind, Loaded, ObjectRef};

/// Tells every policy, for each Gateway whose routes refer to its targets, whether it is
/// obeyed.
pub(super) fn tell(step: Step<'_>, users: &Users, verdicts: &mut Verdicts) {
    let view = View::new(step.now);
    users.tell::<XBackendTrafficPolicy>(step, KINDS, verdicts, |loaded| {
        told(&view, step.settings.complete, users, loaded)
    });
}

fn told(
    view: &View<'_>,
    complete: bool,
    users: &Users,
    loaded: &Loaded<XBackendTrafficPolicy>,
) -> Option<Verdict> {
    let namespace = loaded.metadata.namespace.as_deref().unwrap_or_default();
    let judged = backend_traffic::judge(loaded);
    let at = Field::SPEC;
    let mut missing = Vec::new();
    let mut ancestors: BTreeMap<&ObjectName, Vec<Option<Problem>>> = BTreeMap::new();
    for (index, target) in loaded.spec.target_refs.iter().enumerate() {
        let at = at.item("targetRefs", index);
        missing.extend(not_found(view, namespace, target, &at));
        let conflict = conflict(view, namespace, loaded, target, &at);
        for gateway in users.of_service(namespace, &target.name) {
            ancestors.entry(gateway).or_default().push(conflict.clone());
        }
    }

    let parents = ancestors.into_iter().take(MAX_ANCESTORS);
    let parents: Vec<_> = parents
        .map(|(gateway, conflicts)| {
            // Obeyed for one target, it is obeyed.
            let lost: Option<Vec<_>> = conflicts.into_iter().collect();
            let mut refused = lost.unwrap_or_default();
            refused.extend(judged.refused.iter().cloned());
            ParentVerdict {
                parent: ancestor(gateway),
                conditions: vec![Condition::judged(
                    ConditionType::Accepted,
                    Reason::Accepted,
                    "the policy is obeyed",
                    refused,
                )],
            }
        })
        .collect();
    if parents.is_empty() {
        missing.extend(judged.refused);
    }
    // In a cluster, one that concerns none of our Gateways may be somebody else's.
    if parents.is_empty() && (!complete || missing.is_empty()) {
        return None;
    }
    let decision = Decision::Policy(Arc::new(RouteVerdict { parents }));
    let verdict = Verdict::new(ObjectRef::of(&**loaded), loaded, decision);
    Some(verdict.with_warnings(&Arc::new(missing)))
}

/// Why there is nothing that a target could be.
fn not_found(
    view: &View<'_>,
    namespace: &str,
    target: &BackendTrafficTarget,
    at: &Field<'_>,
) -> Option<Problem> {
    let missing = |message: String| Problem::new(Reason::TargetNotFound, message).at(at);
    if !is_service(target) {
        let message = format!("a {} cannot be a target", target.kind);
        return Some(missing(message).remedy("name a Service"));
    }
    let found = view.get::<Service>(namespace, &target.name).is_some();
    (!found).then(|| missing(format!("there is no Service {namespace}/{}", target.name)))
}

/// The policy that has a target instead of this one.
fn conflict(
    view: &View<'_>,
    namespace: &str,
    loaded: &Loaded<XBackendTrafficPolicy>,
    target: &BackendTrafficTarget,
    at: &Field<'_>,
) -> Option<Problem> {
    let other = in_force(view, namespace, &target.name)?;
    (other.metadata.name != loaded.metadata.name).then(|| {
        let other = other.metadata.name.as_deref().unwrap_or_default();
        let message = format!("XBackendTrafficPolicy {namespace}/{other} has this target");
        Problem::new(Reason::Conflicted, message).at(at)
    })
}

/// What these policies are judged by.
const KINDS: u64 = XBackendTrafficPolicy::BIT | Service::BIT;
