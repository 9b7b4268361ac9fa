//! Gateways and ListenerSets.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::conditions::Told;
use super::{NodeAddresses, put, take};
use crate::verdict::ConditionType::{
    Accepted, CertificateExpiry, Conflicted, InsecureFrontendValidationMode, OverlappingTLSConfig,
    Programmed, ResolvedRefs,
};
use crate::verdict::{
    Condition, ConditionStatus, GatewayVerdict, ListenerSetVerdict, ListenerVerdict,
};

/// Has `verdict` in the status of a Gateway.
pub(super) fn merge(
    status: &mut Map<String, Value>,
    verdict: &GatewayVerdict,
    everywhere: &NodeAddresses,
    told: Told,
) {
    let owned = &[
        Accepted,
        Programmed,
        ResolvedRefs,
        InsecureFrontendValidationMode,
    ];
    told.merge(status, &verdict.conditions, owned);
    merge_listeners(status, &verdict.listeners, told);
    merge_addresses(status, addresses(verdict, everywhere));

    let sets = &verdict.attached_listener_sets;
    // None is what there is in releases that know of no ListenerSets.
    if *sets > 0 || status.contains_key("attachedListenerSets") {
        status.insert("attachedListenerSets".to_owned(), count(*sets));
    }
}

/// Has `verdict` in the status of a ListenerSet.
pub(super) fn merge_set(status: &mut Map<String, Value>, verdict: &ListenerSetVerdict, told: Told) {
    told.merge(status, &verdict.conditions, &[Accepted, Programmed]);
    merge_listeners(status, &verdict.listeners, told);
}

fn merge_listeners(status: &mut Map<String, Value>, listeners: &[ListenerVerdict], told: Told) {
    let mut known = take(status, "listeners");
    let mut list = Vec::with_capacity(listeners.len());

    for listener in listeners.iter().take(MAX_LISTENERS) {
        let name = listener.name.as_str();
        let is_it = |one: &Value| one.get("name").and_then(Value::as_str) == Some(name);
        let mut entry = match known.iter().position(is_it).map(|at| known.swap_remove(at)) {
            Some(Value::Object(entry)) => entry,
            _ => Map::new(),
        };
        let kinds = listener.supported_kinds.iter();
        let kinds = kinds.map(|one| json!({ "group": one.group, "kind": one.kind }));
        entry.insert("name".to_owned(), name.into());
        entry.insert("attachedRoutes".to_owned(), count(listener.attached_routes));
        // Written even if it is empty: releases before v1.5 require it.
        entry.insert("supportedKinds".to_owned(), kinds.collect());
        let owned = &[
            Accepted,
            Programmed,
            ResolvedRefs,
            Conflicted,
            OverlappingTLSConfig,
            CertificateExpiry,
        ];
        told.merge(&mut entry, &listener.conditions, owned);
        list.push(Value::Object(entry));
    }

    put(status, "listeners", list);
}

/// Where a Gateway is said to be reached: the type and the value of each address.
fn addresses(verdict: &GatewayVerdict, everywhere: &NodeAddresses) -> Vec<(&'static str, String)> {
    let refused =
        |one: &Condition| one.kind() == Programmed && one.status() == ConditionStatus::False;
    let numbers = |addresses: &[IpAddr]| -> Vec<_> {
        let addresses = addresses.iter();
        addresses
            .map(|one| ("IPAddress", one.to_string()))
            .collect()
    };

    if let Some(published) = &verdict.published {
        let names = published.hostnames.iter();
        let names = names.map(|one| ("Hostname", one.clone()));
        return numbers(&published.addresses)
            .into_iter()
            .chain(names)
            .collect();
    }
    if !verdict.addresses.is_empty() {
        numbers(&verdict.addresses)
    } else if verdict.conditions.iter().any(refused) {
        Vec::new()
    } else {
        numbers(&everywhere.0)
    }
}

fn merge_addresses(status: &mut Map<String, Value>, addresses: Vec<(&'static str, String)>) {
    let known = take(status, "addresses");
    let list = addresses
        .into_iter()
        .take(MAX_ADDRESSES)
        .map(|(kind, text)| {
            let says =
                |one: &Value, key, text: &str| one.get(key).and_then(Value::as_str) == Some(text);
            let is_it = |one: &&Value| says(one, "type", kind) && says(one, "value", &text);
            let same = known.iter().find(is_it);
            same.cloned()
                .unwrap_or_else(|| json!({ "type": kind, "value": text }))
        });

    put(status, "addresses", list.collect());
}

/// A number as the API has it, which is no greater than an `i32`.
fn count(count: u32) -> Value {
    i32::try_from(count).unwrap_or(i32::MAX).into()
}

/// `GatewayStatus.listeners` holds no more.
const MAX_LISTENERS: usize = 64;

/// `GatewayStatus.addresses` holds no more.
const MAX_ADDRESSES: usize = 16;
