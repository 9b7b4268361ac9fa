//! What of an object is kept. All else is dropped before it is decoded: it would be
//! in memory, and a change of it would be a change of the object.
//!
//! What is kept here is what `resolve` reads; whoever lets it read more begins here.

use serde_json::{Map, Value};

use crate::api::GatewayStatusAddress;

type Fields = Map<String, Value>;

/// A kind that is not built in: all it asks for.
pub(super) fn custom(fields: &mut Fields) {
    keep_metadata(
        fields,
        &[
            "namespace",
            "name",
            "uid",
            "generation",
            "creationTimestamp",
            "annotations",
        ],
    );
    keep_our_annotations(fields);
    fields.remove("status");
}

/// The same, and the addresses it has, which it is to keep.
pub(super) fn gateway(fields: &mut Fields) {
    let addresses = fields
        .get_mut("status")
        .and_then(|status| status.get_mut("addresses"))
        .map(Value::take);
    custom(fields);
    if let Some(Value::Array(mut addresses)) = addresses {
        // What others wrote there must not make the Gateway unreadable.
        addresses.retain(|one| serde_json::from_value::<GatewayStatusAddress>(one.clone()).is_ok());
        if !addresses.is_empty() {
            let status = Map::from_iter([("addresses".to_owned(), Value::Array(addresses))]);
            fields.insert("status".to_owned(), Value::Object(status));
        }
    }
}

/// Its ports and its type; of one with a load balancer, where that is and where it
/// leads to, because it may be that of a Gateway, and which Gateway owns it.
pub(super) fn service(fields: &mut Fields) {
    let kept = ["namespace", "name", "uid", "annotations", "ownerReferences"];
    keep_metadata(fields, &kept);
    keep_our_annotations(fields);
    keep_gateways_among_owners(fields);
    let kind = fields.get("spec").and_then(|spec| spec.get("type"));
    let is_balanced = kind.and_then(Value::as_str) == Some("LoadBalancer");
    keep(fields, &["metadata", "spec", "status"]);
    if is_balanced {
        keep_in(fields, "status", &["loadBalancer"]);
    } else {
        fields.remove("status");
    }
    if let Some(Value::Object(spec)) = fields.get_mut("spec") {
        let mut of_ports = vec!["name", "port", "protocol", "appProtocol"];
        if is_balanced {
            of_ports.push("targetPort");
            keep(spec, &["ports", "type", "externalIPs"]);
        } else {
            keep(spec, &["ports", "type"]);
        }
        keep_in_each(spec, "ports", &of_ports);
    }
}

/// Its addresses and how they are, its ports, and the Service it is of.
pub(super) fn endpoint_slice(fields: &mut Fields) {
    keep_metadata(fields, &["namespace", "name", "uid", "labels"]);
    keep(fields, &["metadata", "addressType", "endpoints", "ports"]);
    if let Some(Value::Object(labels)) = fields
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("labels"))
    {
        keep(labels, &["kubernetes.io/service-name"]);
    }
    keep_in_each(fields, "endpoints", &["addresses", "conditions"]);
}

/// Its labels.
pub(super) fn namespace(fields: &mut Fields) {
    keep_metadata(fields, &["name", "uid", "labels"]);
    keep(fields, &["metadata"]);
}

/// A certificate with its key, and an authority.
pub(super) fn secret(fields: &mut Fields) {
    keep_metadata(fields, NAMES);
    keep(fields, &["metadata", "data"]);
    keep_in(fields, "data", &["tls.crt", "tls.key", "ca.crt"]);
}

/// An authority.
pub(super) fn config_map(fields: &mut Fields) {
    keep_metadata(fields, NAMES);
    keep(fields, &["metadata", "data", "binaryData"]);
    keep_in(fields, "data", &["ca.crt"]);
    keep_in(fields, "binaryData", &["ca.crt"]);
}

fn keep_metadata(fields: &mut Fields, names: &[&str]) {
    // They are told apart before, and are the same for all.
    fields.remove("apiVersion");
    fields.remove("kind");
    keep_in(fields, "metadata", names);
}

/// Settings of ours. What others note there changes often, and means nothing to us.
fn keep_our_annotations(fields: &mut Fields) {
    let Some(Value::Object(metadata)) = fields.get_mut("metadata") else {
        return;
    };
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.retain(|name, _| is_ours(name));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

/// Whose Service it is, as far as that is our business.
fn keep_gateways_among_owners(fields: &mut Fields) {
    let Some(Value::Object(metadata)) = fields.get_mut("metadata") else {
        return;
    };
    if let Some(Value::Array(owners)) = metadata.get_mut("ownerReferences") {
        owners.retain(|owner| owner.get("kind").and_then(Value::as_str) == Some("Gateway"));
        if owners.is_empty() {
            metadata.remove("ownerReferences");
        }
    }
}

fn is_ours(annotation: &str) -> bool {
    let domain = annotation.split_once('/').map(|(domain, _)| domain);
    domain.is_some_and(|domain| domain.ends_with(DOMAIN))
}

fn keep_in(fields: &mut Fields, field: &str, names: &[&str]) {
    if let Some(Value::Object(inner)) = fields.get_mut(field) {
        keep(inner, names);
    }
}

fn keep_in_each(fields: &mut Fields, field: &str, names: &[&str]) {
    if let Some(Value::Array(items)) = fields.get_mut(field) {
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            keep(item, names);
        }
    }
}

fn keep(fields: &mut Fields, names: &[&str]) {
    fields.retain(|name, _| names.contains(&name.as_str()));
}

/// The domain of settings that no field of the API has.
const DOMAIN: &str = "gateway-rs.dev";

const NAMES: &[&str] = &["namespace", "name", "uid"];
