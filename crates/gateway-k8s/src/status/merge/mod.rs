//! From a verdict and what a status says to what it should say.
//!
//! A status is not ours alone: others write conditions of their own types into it,
//! and entries under the names of their controllers. Of all that nothing is lost and
//! nothing moves, and neither does what we do not know.

mod conditions;
mod entries;
mod gateway;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::conditions::Told;
use self::entries::Entries;
use crate::verdict::{ClassVerdict, ConditionType, Decision, Verdict};

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// The name of the controller, which says whose entries are whose.
    pub controller: &'a str,
    /// What Gateways that listen everywhere are told.
    pub addresses: &'a NodeAddresses,
}

/// Where a Gateway that asks for no address can be reached, for its status. None by
/// default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NodeAddresses(Arc<[IpAddr]>);

impl NodeAddresses {
    /// At these addresses.
    pub fn new(addresses: impl Into<Arc<[IpAddr]>>) -> Self {
        Self(addresses.into())
    }
}

/// The whole status that an object should have, or nothing if it has that.
///
/// `observed` is its status as JSON. Without a verdict the object is none of ours any
/// more, and our entries are taken out. The time of a condition changes only with its
/// status. A condition about a newer generation than the verdict's stays: whoever wrote
/// it knew more.
///
/// Source: `GatewayStatus.conditions` (notes for implementors) and
/// `RouteStatus.parents`.
pub fn merge(
    verdict: Option<&Verdict>,
    observed: Option<&str>,
    author: Author<'_>,
    now: Timestamp,
) -> Option<Value> {
    let before: Value = observed
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let mut status = before.as_object().cloned().unwrap_or_default();
    let told = Told {
        generation: verdict.and_then(|verdict| verdict.generation),
        now,
    };
    let entries = |entries: Entries<'_>, status: &mut Map<String, Value>| {
        entries.merge(status, author.controller, told);
    };

    match verdict.map(|verdict| &verdict.decision) {
        None | Some(Decision::None) => entries::remove(&mut status, author.controller),
        Some(Decision::GatewayClass(class)) => merge_class(&mut status, class, told),
        Some(Decision::Gateway(verdict)) => {
            gateway::merge(&mut status, verdict, author.addresses, told);
        }
        Some(Decision::ListenerSet(set)) => gateway::merge_set(&mut status, set, told),
        Some(Decision::Route(route)) => entries(Entries::of_route(route), &mut status),
        Some(Decision::Policy(policy)) => entries(Entries::of_policy(policy), &mut status),
        Some(Decision::Backend(backend)) => entries(Entries::of_backend(backend), &mut status),
    }

    let unchanged = match before.as_object() {
        Some(before) => *before == status,
        None => status.is_empty(),
    };
    (!unchanged).then_some(Value::Object(status))
}

fn merge_class(status: &mut Map<String, Value>, class: &ClassVerdict, told: Told) {
    const OWNED: &[ConditionType] = &[ConditionType::Accepted, ConditionType::SupportedVersion];
    told.merge(status, &class.conditions, OWNED);
    let features = class.features.iter().map(|name| json!({ "name": name }));
    put(status, "supportedFeatures", features.collect());
}

/// Takes a list out of an object; an empty one, if there is none.
fn take(object: &mut Map<String, Value>, key: &str) -> Vec<Value> {
    match object.get_mut(key) {
        Some(Value::Array(list)) => std::mem::take(list),
        _ => Vec::new(),
    }
}

/// Puts a list into an object. An empty one is as good as none.
fn put(object: &mut Map<String, Value>, key: &str, list: Vec<Value>) {
    if !list.is_empty() || object.contains_key(key) {
        object.insert(key.to_owned(), Value::Array(list));
    }
}
