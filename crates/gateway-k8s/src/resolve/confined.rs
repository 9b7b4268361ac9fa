//! What a Gateway with pods of its own does not get: Secrets of other namespaces,
//! which these may not read, whoever has granted them.

use super::field::Field;
use super::gateway::GatewayPlan;
use super::listener_set::ByGateway;
use crate::api::{Gateway, ListenerTlsConfig, SecretObjectReference};
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
        plan.unresolved.push(stranger(reference, &home).at(at));
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
                listener.unresolved.push(stranger(reference, &home).at(at));
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

fn stranger(reference: &SecretObjectReference, home: &str) -> Problem {
    let message = format!(
        "the pods of this Gateway may not read Secrets such as {} outside of {home}",
        reference.name
    );
    let problem = Problem::new(Reason::RefNotPermitted, message);
    problem.remedy(format!("keep the certificate in {home}"))
}
