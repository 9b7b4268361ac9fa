//! What objects are called, and whose they are.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;

use super::Needed;
use super::name::{label_value, service_name};
use crate::verdict::{Problem, Reason};

/// Labels and annotations that the Gateway asks for, and those that tell whose it
/// is. It is removed with its Gateway.
pub(super) fn metadata(needed: &Needed, name: String) -> ObjectMeta {
    let mut labels = needed.labels.clone();
    labels.extend(selector(needed));
    labels.insert(CLASS_NAME.to_owned(), label_value(&needed.class));

    ObjectMeta {
        name: Some(name),
        namespace: Some(needed.gateway.namespace().to_owned()),
        labels: Some(labels),
        annotations: Some(needed.annotations.clone()).filter(|all| !all.is_empty()),
        owner_references: Some(vec![owner(needed, Some(true))]),
        ..ObjectMeta::default()
    }
}

/// The labels by which the pods of a Gateway are found.
pub(super) fn selector(needed: &Needed) -> impl Iterator<Item = (String, String)> {
    let own = [
        (GATEWAY_NAME, label_value(needed.gateway.name())),
        (MANAGED_BY, MANAGER.to_owned()),
    ];
    own.into_iter().map(|(key, value)| (key.to_owned(), value))
}

/// A Gateway as an owner.
pub(super) fn owner(needed: &Needed, controller: Option<bool>) -> OwnerReference {
    OwnerReference {
        api_version: "gateway.networking.k8s.io/v1".to_owned(),
        kind: "Gateway".to_owned(),
        name: needed.gateway.name().to_owned(),
        uid: needed.uid.to_string(),
        controller,
        block_owner_deletion: None,
    }
}

/// The name of what a Gateway has.
pub(super) fn name(needed: &Needed) -> String {
    service_name(&needed.gateway, &needed.class)
}

/// Whether an object was made for the Gateway with this `metadata.uid`.
pub(crate) fn is_owned(object: &ObjectMeta, uid: &str) -> bool {
    let owners = object.owner_references.iter().flatten();
    let mut gateways = owners.filter(|owner| owner.kind == "Gateway");
    !uid.is_empty() && gateways.any(|owner| owner.uid == uid)
}

/// The `metadata.uid` of those who own an object, written out.
pub(super) fn owner_uids(object: &Value) -> BTreeSet<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array();
    let uids = owners.into_iter().flatten().map(|owner| &owner["uid"]);
    uids.filter_map(Value::as_str).collect()
}

/// What is wrong with an object that has the name of a Gateway's and is not its own.
pub(crate) fn foreign(kind: &str, namespace: &str, name: &str) -> Problem {
    let message = format!("{kind} {namespace}/{name} is not this Gateway's, and is left alone");
    let problem = Problem::new(Reason::NoResources, message);
    problem.remedy("remove it, or give the Gateway another name")
}

pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
pub(super) const SLICES_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// Who manages, and under which name fields are applied.
pub(super) const MANAGER: &str = "gateway-rs.dev";
/// The annotation with a digest of everything that is set.
pub(super) const DIGEST: &str = "gateway-rs.dev/digest";
/// The annotation with the number of pods that a Deployment began with.
pub(super) const REPLICAS: &str = "gateway-rs.dev/replicas";
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
const CLASS_NAME: &str = "gateway.networking.k8s.io/gateway-class-name";
