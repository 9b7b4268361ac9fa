//! Lists with one entry for each parent or ancestor, of any controller.

use serde_json::{Map, Value, json};

use super::conditions::Told;
use super::{put, take};
use crate::api::ParentReference;
use crate::verdict::ConditionType::{Accepted, PartiallyInvalid, ResolvedRefs};
use crate::verdict::{ConditionType, ParentVerdict, RouteVerdict};

/// The entries that we should have in a list, and what the list is like.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    ours: &'a [ParentVerdict],
    list: &'static str,
    reference: &'static str,
    limit: usize,
    owned: &'static [ConditionType],
}

impl<'a> Entries<'a> {
    /// `RouteStatus.parents`.
    pub(super) fn of_route(route: &'a RouteVerdict) -> Self {
        Self {
            ours: &route.parents,
            list: "parents",
            reference: "parentRef",
            limit: 32,
            owned: &[Accepted, ResolvedRefs, PartiallyInvalid],
        }
    }

    /// `PolicyStatus.ancestors`.
    pub(super) fn of_policy(policy: &'a RouteVerdict) -> Self {
        Self {
            ours: &policy.parents,
            list: "ancestors",
            reference: "ancestorRef",
            limit: 16,
            owned: &[Accepted, ResolvedRefs],
        }
    }

    /// `XBackendStatus.ancestors`.
    pub(super) fn of_backend(backend: &'a RouteVerdict) -> Self {
        Self {
            limit: 32,
            ..Self::of_policy(backend)
        }
    }

    /// Has our entries in the list, and those of others as they are.
    pub(super) fn merge(self, status: &mut Map<String, Value>, controller: &str, told: Told) {
        let mut list = take(status, self.list);
        let mut missing: Vec<_> = self.ours.iter().collect();

        list.retain_mut(|entry| {
            if !is_of(entry, controller) {
                return true;
            }
            let named = entry.get(self.reference).and_then(Name::of_value);
            let place = missing
                .iter()
                .position(|ours| named == Some(Name::of(&ours.parent)));
            match place {
                Some(place) => {
                    self.update(entry, missing.remove(place), told);
                    true
                }
                None => is_ahead_of(entry, told),
            }
        });
        for ours in missing {
            if list.len() < self.limit {
                let mut entry = json!({ "controllerName": controller });
                self.update(&mut entry, ours, told);
                list.push(entry);
            }
        }

        put(status, self.list, list);
    }

    fn update(self, entry: &mut Value, ours: &ParentVerdict, told: Told) {
        let Some(fields) = entry.as_object_mut() else {
            return;
        };
        let reference = fields
            .entry(self.reference)
            .or_insert_with(|| Value::Object(Map::new()));
        // What is not said by us there, such as a namespace, is not said at all: the
        // names are the same.
        if let (Some(named), Ok(Value::Object(ours))) = (
            reference.as_object_mut(),
            serde_json::to_value(&ours.parent),
        ) {
            named.extend(ours);
        }

        told.merge(fields, &ours.conditions, self.owned);
    }
}

/// Takes our entries out of every such list.
pub(super) fn remove(status: &mut Map<String, Value>, controller: &str) {
    for list in ["parents", "ancestors"] {
        if let Some(Value::Array(entries)) = status.get_mut(list) {
            entries.retain(|entry| !is_of(entry, controller));
        }
    }
}

fn is_of(entry: &Value, controller: &str) -> bool {
    entry.get("controllerName").and_then(Value::as_str) == Some(controller)
}

/// Whether an entry was written by somebody who has seen more than the verdict.
fn is_ahead_of(entry: &Value, told: Told) -> bool {
    let conditions = entry.get("conditions").and_then(Value::as_array);

    conditions
        .into_iter()
        .flatten()
        .any(|condition| told.is_older_than(condition))
}

/// What a reference names, however it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Name<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    section: Option<&'a str>,
    port: Option<i64>,
}

impl<'a> Name<'a> {
    fn of(reference: &'a ParentReference) -> Self {
        Self {
            group: reference.group.as_deref().unwrap_or(GROUP),
            kind: reference.kind.as_deref().unwrap_or(KIND),
            namespace: reference.namespace.as_deref(),
            name: &reference.name,
            section: reference.section_name.as_deref(),
            port: reference.port.map(i64::from),
        }
    }

    fn of_value(reference: &'a Value) -> Option<Self> {
        let text = |key: &str| reference.get(key).and_then(Value::as_str);

        Some(Self {
            group: text("group").unwrap_or(GROUP),
            kind: text("kind").unwrap_or(KIND),
            namespace: text("namespace"),
            name: text("name")?,
            section: text("sectionName"),
            port: reference.get("port").and_then(Value::as_i64),
        })
    }
}

/// The default of `ParentReference.group`.
const GROUP: &str = "gateway.networking.k8s.io";

/// The default of `ParentReference.kind`.
const KIND: &str = "Gateway";
