//! What the pods of Gateways may read.
//!
//! All of them read what routes are made of, wherever it is, by one
//! ClusterRoleBinding, which is there already and of which only the subjects are
//! changed. Secrets they read in the namespace of their Gateway alone, by a
//! RoleBinding there: whoever may start pods in a namespace can use its Secrets
//! anyway.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Needed;
use super::metadata::{self, MANAGED_BY, MANAGER, owner};
use super::object::{Key, Made, Objects, add};

/// Adds the RoleBinding of each namespace, for those that have pods among the objects.
pub(super) fn add_to(objects: &mut Objects, needed: &[Needed]) {
    let mut namespaces: BTreeMap<&str, Vec<&Needed>> = BTreeMap::new();
    for one in needed.iter().filter(|one| has_pods(one, objects)) {
        let namespace = namespaces.entry(one.gateway.namespace()).or_default();
        namespace.push(one);
    }
    for (namespace, gateways) in namespaces {
        let names = gateways.iter().map(|one| one.gateway.clone()).collect();
        let binding = binding(namespace, &gateways);
        add(objects, Made::RoleBinding, names, &binding);
    }
}

fn binding(namespace: &str, gateways: &[&Needed]) -> RoleBinding {
    let owners = gateways.iter().map(|one| owner(one, None));
    let labels = [(MANAGED_BY.to_owned(), MANAGER.to_owned())];

    RoleBinding {
        metadata: ObjectMeta {
            name: Some(BINDING.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels.into()),
            owner_references: Some(owners.collect()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef {
            api_group: RBAC.to_owned(),
            kind: "ClusterRole".to_owned(),
            name: SECRETS_ROLE.to_owned(),
        },
        subjects: Some(gateways.iter().map(|one| subject(one)).collect()),
    }
}

/// Whether a Gateway has pods, or will.
pub(super) fn has_pods(needed: &Needed, objects: &Objects) -> bool {
    objects.contains_key(&Key {
        kind: Made::ServiceAccount,
        namespace: needed.gateway.namespace().to_owned(),
        name: metadata::name(needed),
    })
}

/// The pods of a Gateway.
pub(super) fn subject(needed: &Needed) -> Subject {
    Subject {
        api_group: None,
        kind: "ServiceAccount".to_owned(),
        name: metadata::name(needed),
        namespace: Some(needed.gateway.namespace().to_owned()),
    }
}

/// The name of the bindings, which `deploy/dedicated.yaml` permits to change.
pub(super) const BINDING: &str = "gateway-dedicated";
const SECRETS_ROLE: &str = "gateway-dedicated-secrets";
const RBAC: &str = "rbac.authorization.k8s.io";
