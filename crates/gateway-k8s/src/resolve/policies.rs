//! What BackendTLSPolicies are told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateway_core::model::ObjectName;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};

use super::backend_tls::{self, Judged};
use super::field::Field;
use super::memo::Step;
use super::status::ancestor;
use super::users::Users;
use super::view::View;
use super::{Settings, backends, confined};
use crate::api::{BackendTlsPolicy, PolicyTargetReference};
use crate::infrastructure::Exposure;
use crate::verdict::{
    Condition, ConditionType, Decision, ParentVerdict, Problem, Reason, RouteVerdict, Verdict,
    Verdicts,
};
use crate::world::{Kind, Loaded, ObjectRef};

/// Tells every policy, for each Gateway whose routes refer to its target, whether it
/// is obeyed.
pub(super) fn tell(step: Step<'_>, users: &Users, verdicts: &mut Verdicts) {
    let view = View::new(step.now);
    users.tell::<BackendTlsPolicy>(step, KINDS, verdicts, |loaded| {
        told(&view, step.settings, users, loaded)
    });
}

fn told(
    view: &View<'_>,
    settings: &Settings,
    users: &Users,
    loaded: &Loaded<BackendTlsPolicy>,
) -> Option<Verdict> {
    let judged = backend_tls::judge(view, loaded);
    let targets = Target::all(view, loaded);
    let confined = settings.exposure == Exposure::Dedicated;
    let verdict = verdict(loaded, &judged, &targets, users, confined);
    let untold = verdict.parents.is_empty();

    let mut warnings = judged.warnings;
    warnings.extend(targets.iter().filter_map(|target| target.missing.clone()));
    if untold {
        warnings.extend(judged.refused);
        warnings.extend(judged.unresolved);
    }
    if untold && (!settings.complete || warnings.is_empty()) {
        return None;
    }
    let decision = Decision::Policy(Arc::new(verdict));
    let verdict = Verdict::new(ObjectRef::of(&**loaded), loaded, decision);
    Some(verdict.with_warnings(&Arc::new(warnings)))
}

fn verdict(
    loaded: &Loaded<BackendTlsPolicy>,
    judged: &Judged,
    targets: &[Target<'_>],
    users: &Users,
    confined: bool,
) -> RouteVerdict {
    let namespace = loaded.metadata.namespace.as_deref().unwrap_or_default();
    let mut ancestors: BTreeMap<&ObjectName, Vec<&Target<'_>>> = BTreeMap::new();
    for target in targets {
        for gateway in users.of_ports(namespace, target.service, &target.ports) {
            ancestors.entry(gateway).or_default().push(target);
        }
    }

    let parents = ancestors.into_iter().take(MAX_ANCESTORS);
    let parents = parents.map(|(gateway, targets)| {
        let lost = targets.iter().map(|target| target.conflict.clone());
        let lost: Option<Vec<_>> = lost.collect();
        let mut refused = lost.unwrap_or_default();
        refused.extend(judged.refused.iter().cloned());
        let mut unresolved = judged.unresolved.clone();
        if confined {
            let (unread, lost) = unread(loaded, gateway);
            unresolved.extend(unread);
            refused.extend(lost);
        }

        ParentVerdict {
            parent: ancestor(gateway),
            conditions: vec![
                Condition::judged(
                    ConditionType::Accepted,
                    Reason::Accepted,
                    "the policy is obeyed",
                    refused,
                ),
                Condition::judged(
                    ConditionType::ResolvedRefs,
                    Reason::ResolvedRefs,
                    "every reference was found",
                    unresolved,
                ),
            ],
        }
    });

    RouteVerdict {
        parents: parents.collect(),
    }
}

/// The authorities that the pods of a Gateway do not read, and what becomes of the policy if
/// there are no others.
fn unread(policy: &BackendTlsPolicy, gateway: &ObjectName) -> (Vec<Problem>, Option<Problem>) {
    let namespace = policy.metadata.namespace.as_deref().unwrap_or_default();
    let (written, home) = (&policy.spec.validation, gateway.namespace());
    let at = Field::SPEC;
    let at = at.name("validation");
    let (unread, are_all) = confined::authorities(written, namespace, home, &at);
    let lost = are_all.then(|| {
        let message = "no certificate of an authority can be read by the pods of this Gateway";
        let problem = Problem::new(Reason::NoValidCACertificate, message);
        let problem = problem.at(at.name("caCertificateRefs"));
        problem.remedy("put the certificates into a ConfigMap")
    });
    (unread, lost)
}

/// One target of a policy.
struct Target<'a> {
    service: &'a str,
    /// The numbers of the ports that it is about.
    ports: BTreeSet<u16>,
    /// The older policy that has it.
    conflict: Option<Problem>,
    /// Why there is nothing that it could be about.
    missing: Option<Problem>,
}

impl<'a> Target<'a> {
    fn all(view: &View<'_>, loaded: &'a Loaded<BackendTlsPolicy>) -> Vec<Self> {
        let at = Field::SPEC;
        let targets = loaded.spec.target_refs.iter().enumerate();

        targets
            .map(|(index, target)| Self::new(view, loaded, target, &at.item("targetRefs", index)))
            .collect()
    }

    fn new(
        view: &View<'_>,
        loaded: &'a Loaded<BackendTlsPolicy>,
        target: &'a PolicyTargetReference,
        at: &Field<'_>,
    ) -> Self {
        let namespace = loaded.metadata.namespace.as_deref().unwrap_or_default();
        let missing = |message: String| Problem::new(Reason::TargetNotFound, message).at(at);
        let mut read = Self {
            service: &target.name,
            ports: BTreeSet::new(),
            conflict: None,
            missing: None,
        };
        if !backend_tls::is_service(target, &target.name) {
            let message = format!("a {} cannot be a target", target.kind);
            read.missing = Some(missing(message).remedy("name a Service"));
            return read;
        }
        let Some(service) = view.get::<Service>(namespace, &target.name) else {
            let message = format!("there is no Service {namespace}/{}", target.name);
            read.missing = Some(missing(message));
            return read;
        };

        let section = backend_tls::section(target);
        let ports = backends::ports(service)
            .filter(|port| section.is_none_or(|name| port.name.as_deref() == Some(name)));
        read.ports = ports
            .filter_map(|port| u16::try_from(port.port).ok())
            .collect();
        if let (Some(name), true) = (section, read.ports.is_empty()) {
            let message = format!(
                "Service {namespace}/{} has no port called {name}",
                target.name
            );
            read.missing = Some(missing(message));
        }
        read.conflict = backend_tls::established(view, loaded, target).map(|other| {
            let other = other.metadata.name.as_deref().unwrap_or_default();
            let message = format!("BackendTLSPolicy {namespace}/{other} has this target");
            Problem::new(Reason::Conflicted, message).at(at)
        });

        read
    }
}

/// What policies are made of.
const KINDS: u64 = BackendTlsPolicy::BIT | Service::BIT | ConfigMap::BIT | Secret::BIT;

/// `PolicyStatus.ancestors` holds no more.
pub(super) const MAX_ANCESTORS: usize = 16;
