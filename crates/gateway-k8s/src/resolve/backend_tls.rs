//! BackendTLSPolicies: which Services are spoken to over TLS, and how.

use std::sync::Arc;

use gateway_core::model::{BackendTls, Hostname, SubjectAltName, Trust};
use k8s_openapi::api::core::v1::ServicePort;

use super::authorities::{Authorities, Reasons};
use super::field::Field;
use super::grants::{From, To};
use super::matches::unsupported;
use super::view::View;
use crate::api::{
    BackendTlsPolicy, CaCertificateValidation, PolicyTargetReference, SubjectAltNameType,
};
use crate::verdict::{Problem, Reason};
use crate::world::Loaded;

/// What a policy means, whomever it is for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Judged {
    /// Nothing, if what it asks for cannot be done.
    pub(super) tls: Option<BackendTls>,
    /// Why it is not accepted.
    pub(super) refused: Vec<Problem>,
    /// References that lead nowhere.
    pub(super) unresolved: Vec<Problem>,
    /// Fields that are not obeyed.
    pub(super) warnings: Vec<Problem>,
}

/// The policy that is in force for a port of a Service.
///
/// One for the port comes before one for the whole Service, and of two the older,
/// then the one whose name comes first. A policy that cannot be obeyed is in force
/// all the same: its backend must not be spoken to in the clear.
pub(super) fn in_force<'w>(
    view: &View<'w>,
    namespace: &str,
    service: &str,
    port: &ServicePort,
) -> Option<&'w Loaded<BackendTlsPolicy>> {
    let port = port.name.as_deref().unwrap_or_default();
    let mut found: Option<(bool, &Loaded<BackendTlsPolicy>)> = None;

    // In the order of their names.
    for policy in view.in_namespace::<BackendTlsPolicy>(namespace) {
        let targets = policy.spec.target_refs.iter();
        let sections = targets
            .filter(|target| is_service(target, service))
            .map(section)
            .filter(|section| section.is_none_or(|section| section == port));
        for section in sections {
            let whole = section.is_none();
            let wins = found.is_none_or(|(is_whole, other)| {
                (whole, created(policy)) < (is_whole, created(other))
            });
            if wins {
                found = Some((whole, policy));
            }
        }
    }

    found.map(|(_, policy)| policy)
}

/// The policy that has this very target before `policy` has it.
pub(super) fn established<'w>(
    view: &View<'w>,
    policy: &Loaded<BackendTlsPolicy>,
    target: &PolicyTargetReference,
) -> Option<&'w Loaded<BackendTlsPolicy>> {
    let namespace = policy.metadata.namespace.as_deref().unwrap_or_default();
    let age = |policy: &Loaded<BackendTlsPolicy>| (created(policy), policy.metadata.name.clone());
    let same = |other: &PolicyTargetReference| {
        is_service(other, &target.name) && section(other) == section(target)
    };
    let others = view.in_namespace::<BackendTlsPolicy>(namespace);
    let mut earlier = others
        .into_iter()
        .filter(|other| age(other) < age(policy) && other.spec.target_refs.iter().any(same));

    earlier.next()
}

/// The port that a target names; none stands for the whole Service.
pub(super) fn section(target: &PolicyTargetReference) -> Option<&str> {
    target
        .section_name
        .as_deref()
        .filter(|name| !name.is_empty())
}

/// Whether the Service of that name is meant.
pub(super) fn is_service(target: &PolicyTargetReference, name: &str) -> bool {
    target.group.is_empty() && target.kind == "Service" && target.name == name
}

fn created(policy: &BackendTlsPolicy) -> u64 {
    super::created(&policy.metadata)
}

/// Reads a policy.
pub(super) fn judge(view: &View<'_>, policy: &BackendTlsPolicy) -> Judged {
    let at = Field::SPEC;
    let namespace = policy.metadata.namespace.as_deref().unwrap_or_default();
    let mut judged = validation(
        view,
        From::kind::<BackendTlsPolicy>(namespace),
        &policy.spec.validation,
        &at.name("validation"),
    );

    for key in policy.spec.options.iter().flatten().map(|(key, _)| key) {
        let at = at.name("options");
        let message = "is not an option of this gateway";
        judged.warnings.push(unsupported(message, &at.name(key)));
    }

    judged
}

/// Reads whom to believe, and by which name.
pub(super) fn validation(
    view: &View<'_>,
    from: From<'_>,
    written: &CaCertificateValidation,
    at: &Field<'_>,
) -> Judged {
    let mut judged = Judged::default();
    let name = Hostname::new(&written.hostname)
        .ok()
        .filter(|name| !name.is_wildcard());
    if name.is_none() {
        let message = format!("{:?} is not the name of a host", written.hostname);
        judged.refused.push(invalid(message, &at.name("hostname")));
    }
    let trust = trust(view, from, written, at, &mut judged);
    let names = subject_alt_names(written, at, &mut judged);

    if let (Some(name), Some(trust), true) = (name, trust, judged.refused.is_empty()) {
        judged.tls = Some(BackendTls {
            server_name: name.as_str().into(),
            trust,
            subject_alt_names: names,
            client_certificate: None,
        });
    }

    judged
}

fn trust(
    view: &View<'_>,
    from: From<'_>,
    written: &CaCertificateValidation,
    at: &Field<'_>,
    judged: &mut Judged,
) -> Option<Trust> {
    let references = written.ca_certificate_refs.as_deref().unwrap_or_default();
    let known = written.well_known_ca_certificates.as_deref();
    let known = known.filter(|known| !known.is_empty());
    let at_known = at.name("wellKnownCACertificates");

    match (references, known) {
        ([], None) => {
            let message = "has neither caCertificateRefs nor wellKnownCACertificates".to_owned();
            judged.refused.push(invalid(message, at));
            None
        }
        ([], Some("System")) => Some(Trust::System),
        ([], Some(other)) => {
            let message = format!("{other:?} is not known");
            let problem = invalid(message, &at_known);
            judged.refused.push(problem.remedy("use System"));
            None
        }
        (_, Some(_)) => {
            let message = "cannot be beside caCertificateRefs".to_owned();
            judged.refused.push(invalid(message, &at_known));
            None
        }
        (references, None) => {
            let mut authorities = Authorities::default();
            for (index, reference) in references.iter().enumerate() {
                let to = To {
                    group: &reference.group,
                    kind: &reference.kind,
                    namespace: from.namespace,
                    name: &reference.name,
                };
                let at = at.item("caCertificateRefs", index);
                authorities.add(view, from, to, REASONS, &at);
            }
            judged.unresolved.extend(authorities.problems);
            if authorities.roots.is_empty() {
                let message = "no certificate of an authority was found";
                let problem = Problem::new(Reason::NoValidCACertificate, message);
                judged
                    .refused
                    .push(problem.at(at.name("caCertificateRefs")));
                return None;
            }
            Some(Trust::Roots(authorities.roots))
        }
    }
}

fn subject_alt_names(
    written: &CaCertificateValidation,
    at: &Field<'_>,
    judged: &mut Judged,
) -> Vec<SubjectAltName> {
    let mut names = Vec::new();

    for (index, one) in written.subject_alt_names.iter().flatten().enumerate() {
        let at = at.item("subjectAltNames", index);
        let read = match &one.r#type {
            SubjectAltNameType::Hostname => {
                let text = one.hostname.as_deref().unwrap_or_default();
                Hostname::new(text)
                    .map(|name| SubjectAltName::Hostname(name.as_str().into()))
                    .map_err(|error| (error.to_string(), "hostname"))
            }
            SubjectAltNameType::Uri => match one.uri.as_deref() {
                Some(uri) if uri.contains(':') => Ok(SubjectAltName::Uri(uri.into())),
                _ => Err(("is not a URI".to_owned(), "uri")),
            },
            SubjectAltNameType::Unknown(other) => {
                Err((format!("{other:?} is not a type of name"), "type"))
            }
        };
        match read {
            Ok(name) => names.push(name),
            Err((message, field)) => judged.refused.push(invalid(message, &at.name(field))),
        }
    }

    names
}

fn invalid(message: String, at: &Field<'_>) -> Problem {
    Problem::new(Reason::Invalid, message).at(at)
}

/// What a port of a Service is spoken to with; nothing, if it is in the clear.
///
/// # Errors
///
/// A policy that is in force and cannot be obeyed.
pub(super) fn of_port(
    view: &View<'_>,
    namespace: &str,
    service: &str,
    port: &ServicePort,
) -> Result<Option<BackendTls>, Problem> {
    let Some(policy) = in_force(view, namespace, service, port) else {
        return Ok(None);
    };

    match judge(view, policy).tls {
        Some(tls) => Ok(Some(tls)),
        None => {
            let message = format!(
                "BackendTLSPolicy {namespace}/{} cannot be obeyed, so that requests are answered with an error",
                policy.metadata.name.as_deref().unwrap_or_default()
            );
            Err(Problem::new(Reason::Invalid, message).remedy("see what the policy is told"))
        }
    }
}

/// Adds what a Gateway shows to backends that ask who it is.
pub(super) fn with_client(
    tls: BackendTls,
    certificate: Option<&Arc<gateway_core::model::Certificate>>,
) -> BackendTls {
    BackendTls {
        client_certificate: certificate.cloned(),
        ..tls
    }
}

const REASONS: Reasons = Reasons {
    kind: Reason::InvalidKind,
    reference: Reason::InvalidCACertificateRef,
};
