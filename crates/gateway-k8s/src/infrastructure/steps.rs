//! From objects as they are to objects as they should be.

use serde_json::{Map, Value};

use super::metadata::{REPLICAS, owner_uids};
use super::object::{Desired, Key, Made, Objects, Seen};

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// Remove an object of ours.
    Remove(&'a Key),
    /// Make an object, or make it what it should be.
    Apply(&'a Key, Value),
    /// Leave an object alone that is another Gateway's, though it has the name.
    Leave(&'a Key),
    /// Wait until an object is gone that is about to be.
    Wait(&'a Key),
}

/// What is to be done, in order; nothing, if all is as it should be.
///
/// What was made here and is not wanted any more is removed, whoever wanted it: this
/// is how a change of the exposure leaves nothing behind. Objects come after those
/// that they need.
pub(super) fn steps<'a>(wanted: &'a Objects, seen: &'a Seen) -> Vec<Step<'a>> {
    let stale = seen.iter().rev().filter(|(key, object)| {
        let is_wanted = wanted.contains_key(*key);
        !is_wanted && !is_leaving(object)
    });
    let mut steps: Vec<_> = stale.map(|(key, _)| Step::Remove(key)).collect();
    for (key, desired) in wanted {
        match seen.get(key) {
            None => steps.push(Step::Apply(key, desired.object.clone())),
            Some(seen) if is_leaving(seen) => steps.push(Step::Wait(key)),
            Some(seen) if !is_owned(key, desired, seen) => steps.push(Step::Leave(key)),
            Some(seen) => {
                let object = scaled(key, desired, seen);
                if holds_all(seen, &object) {
                    continue;
                }
                if must_be_new(key, &object, seen) {
                    steps.push(Step::Remove(key));
                }
                steps.push(Step::Apply(key, object));
            }
        }
    }
    steps
}

fn is_leaving(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Whether an object is owned by a Gateway that it is wanted for, or is one that
/// nobody else makes.
fn is_owned(key: &Key, desired: &Desired, seen: &Value) -> bool {
    let shared = key.kind == Made::RoleBinding;
    shared || !owner_uids(&desired.object).is_disjoint(&owner_uids(seen))
}

/// With as many pods as there are, so that others can scale them, unless it should
/// begin with another number than it did.
fn scaled(key: &Key, desired: &Desired, seen: &Value) -> Value {
    let mut object = desired.object.clone();
    let begun = |object: &Value| object["metadata"]["annotations"][REPLICAS].clone();
    let replicas = &seen["spec"]["replicas"];
    if key.kind == Made::Deployment && begun(&object) == begun(seen) && replicas.is_number() {
        object["spec"]["replicas"] = replicas.clone();
    }
    object
}

/// Whether what is different can be changed in no object that is there.
fn must_be_new(key: &Key, wanted: &Value, seen: &Value) -> bool {
    let is_headless = |service: &Value| service["spec"]["clusterIP"] == "None";
    match key.kind {
        Made::Service => is_headless(wanted) != is_headless(seen),
        Made::Deployment => wanted["spec"]["selector"] != seen["spec"]["selector"],
        Made::RoleBinding => wanted["roleRef"] != seen["roleRef"],
        Made::ServiceAccount | Made::EndpointSlice | Made::PodDisruptionBudget => false,
    }
}

/// Whether an object has all fields that it should have. Others may have set more.
fn holds_all(seen: &Value, wanted: &Value) -> bool {
    let fields = wanted.as_object().into_iter().flatten();
    // Lists do not repeat what they are lists of.
    let mut fields = fields.filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind"));
    fields.all(|(name, value)| holds(&seen[name], value))
}

fn holds(seen: &Value, wanted: &Value) -> bool {
    match (seen, wanted) {
        (Value::Object(seen), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| holds(seen.get(name).unwrap_or(&Value::Null), value)),
        (Value::Array(seen), Value::Array(wanted)) if wanted.iter().all(is_named) => wanted
            .iter()
            .all(|one| seen.iter().any(|other| holds(other, one))),
        (Value::Array(seen), Value::Array(wanted)) => {
            let mut pairs = seen.iter().zip(wanted);
            seen.len() == wanted.len() && pairs.all(|(seen, wanted)| holds(seen, wanted))
        }
        // What is empty need not be kept.
        (Value::Null, Value::Object(wanted)) => wanted.values().all(|one| holds(&Value::Null, one)),
        (Value::Null, Value::Array(wanted)) => wanted.is_empty(),
        (seen, wanted) => seen == wanted,
    }
}

/// Whether it is an entry of a list that others may add entries to.
fn is_named(entry: &Value) -> bool {
    let fields = entry.as_object();
    fields.is_some_and(|fields: &Map<String, Value>| fields.contains_key("name"))
}
