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
        ],
    );
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

/// Its ports and its type.
pub(super) fn service(fields: &mut Fields) {
    keep_metadata(fields, NAMES);
    keep(fields, &["metadata", "spec"]);
    if let Some(Value::Object(spec)) = fields.get_mut("spec") {
        keep(spec, &["ports", "type"]);
        keep_in_each(spec, "ports", &["name", "port", "protocol", "appProtocol"]);
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

const NAMES: &[&str] = &["namespace", "name", "uid"];
