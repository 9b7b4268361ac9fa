//! What a Gateway with pods of its own does not get: Secrets of other namespaces,
//! which these may not read, whoever has granted them.
//!
//! A grant lets a Gateway use a certificate. A pod that read it would show it to whoever may
//! start pods in the namespace of the Gateway, which nobody has granted.

use super::field::Field;
use super::gateway::GatewayPlan;
use super::grants::To;
use super::listener_set::ByGateway;
use crate::api::{
    CaCertificateValidation, Gateway, ListenerTlsConfig, SecretObjectReference, XBackend,
};
use crate::verdict::{Problem, Reason};

/// Refuses the certificates of other namespaces.
pub(super) fn confine(plan: &mut GatewayPlan, gateway: &Gateway, sets: &ByGateway<'_>) {
    let home = plan.name.namespace().to_owned();
    let tls = gateway.spec.tls.as_ref();
    let backend = tls.and_then(|tls| tls.backend.as_ref());
    let client = backend.and_then(|backend| backend.client_certificate_ref.as_ref());
    if let Some(reference) = client.filter(|one| !is_at(one, &home, &home)) {
        let at = Field::SPEC;
        let at = at.name("tls.backend.clientCertificateRef");
        plan.client_certificate = None;
        plan.unresolved
            .push(stranger(&reference.name, &home).at(at));
    }

    let sets = sets.of(&plan.name);
    for listener in &mut plan.listeners {
        let set = listener.set.and_then(|set| sets.get(set));
        let written = match set {
            Some(set) => set.spec.listeners.get(listener.index).map(|one| &one.tls),
            None => gateway
                .spec
                .listeners
                .get(listener.index)
                .map(|one| &one.tls),
        };
        let namespace = set.and_then(|set| set.metadata.namespace.as_deref());
        let namespace = namespace.unwrap_or(&home);
        let certificates = written.and_then(Option::as_ref).map(certificates);
        for (index, reference) in certificates.unwrap_or_default().iter().enumerate() {
            if !is_at(reference, namespace, &home) {
                let at = Field::SPEC;
                let at = at.item("listeners", listener.index);
                let at = at.name("tls");
                let at = at.item("certificateRefs", index);
                // Some certificates of several would surprise.
                listener.protocol = None;
                listener
                    .unresolved
                    .push(stranger(&reference.name, &home).at(at));
            }
        }
    }
}

fn certificates(tls: &ListenerTlsConfig) -> &[SecretObjectReference] {
    tls.certificate_refs.as_deref().unwrap_or_default()
}

/// Whether what is referred to in `namespace` is in `home`.
fn is_at(reference: &SecretObjectReference, namespace: &str, home: &str) -> bool {
    reference.namespace.as_deref().unwrap_or(namespace) == home
}

/// Whether a reference leads to a Secret outside of `home`.
pub(super) fn is_strange(to: To<'_>, home: &str) -> bool {
    (to.group, to.kind) == ("", "Secret") && to.namespace != home
}

/// What a Gateway in `home` cannot obey of what is written in `namespace`, since it refers to
/// Secrets there: the authorities that its pods do not read, and whether these are all.
pub(super) fn authorities(
    written: &CaCertificateValidation,
    namespace: &str,
    home: &str,
    at: &Field<'_>,
) -> (Vec<Problem>, bool) {
    let references = written.ca_certificate_refs.as_deref().unwrap_or_default();
    let each = references.iter().enumerate();
    let strange = each.filter(|(_, reference)| {
        let to = To {
            group: &reference.group,
            kind: &reference.kind,
            namespace,
            name: &reference.name,
        };
        is_strange(to, home)
    });
    let strange = strange.map(|(index, reference)| {
        let at = at.item("caCertificateRefs", index);
        let message = unread(&reference.name, home);
        let problem = Problem::new(Reason::InvalidCACertificateRef, message).at(at);
        problem.remedy("put the certificates into a ConfigMap")
    });
    let strange: Vec<_> = strange.collect();
    let are_all = !strange.is_empty() && strange.len() == references.len();
    (strange, are_all)
}

/// What a Gateway in `home` cannot obey of the settings of an XBackend: Secrets that its pods do
/// not read.
pub(super) fn of_backend(backend: &XBackend, home: &str) -> Vec<Problem> {
    let Some(tls) = &backend.spec.tls else {
        return Vec::new();
    };
    let namespace = backend.metadata.namespace.as_deref().unwrap_or_default();
    let at = Field::SPEC;
    let at = at.name("tls");
    let validation = tls.validation.as_ref().map(|written| {
        let at = at.name("validation");
        authorities(written, namespace, home, &at).0
    });
    let mut problems = validation.unwrap_or_default();
    let client = tls.client_certificate_ref.as_ref();
    if let Some(client) = client.filter(|one| !is_at(one, namespace, home)) {
        let at = at.name("clientCertificateRef");
        problems.push(stranger(&client.name, home).at(at));
    }
    problems
}

/// What is wrong with a reference to a Secret that pods in `home` do not read.
pub(super) fn stranger(name: &str, home: &str) -> Problem {
    let problem = Problem::new(Reason::RefNotPermitted, unread(name, home));
    problem.remedy(format!("keep the Secret in {home}"))
}

fn unread(name: &str, home: &str) -> String {
    format!("the pods of this Gateway may not read Secrets such as {name} outside of {home}")
}
