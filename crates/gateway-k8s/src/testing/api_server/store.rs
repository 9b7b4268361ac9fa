//! What a server holds, and everything that ever happened to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fault::Trap;
use super::log::Record;
use super::request::ObjectPath;
use super::resources::{self, Resource};

/// The objects, by `plural.group`, namespace and name.
pub(super) type Key = (String, String, String);

#[derive(Debug)]
pub(super) struct Store {
    pub(super) resources: Vec<Resource>,
    pub(super) objects: BTreeMap<Key, Value>,
    /// What watches say, in order.
    pub(super) history: Vec<Happening>,
    pub(super) revision: u64,
    /// What is older is forgotten.
    pub(super) forgotten: u64,
    pub(super) traps: Vec<Trap>,
    /// The kinds that nothing may be asked of, by their plurals.
    pub(super) forbidden: Vec<String>,
    pub(super) log: Vec<Record>,
    made: u64,
}

/// Something that watches see.
#[derive(Debug)]
pub(super) struct Happening {
    pub(super) revision: u64,
    /// `plural.group`; nothing for every kind.
    pub(super) resource: Option<String>,
    pub(super) event: Event,
}

#[derive(Debug)]
pub(super) enum Event {
    /// An object was made, changed or deleted; at least one is there.
    Object {
        before: Option<Value>,
        now: Option<Value>,
    },
    /// A line that is sent as it is.
    Line(String),
    /// The watch ends.
    End,
    /// The watch ends in the middle of a line.
    Cut,
    /// The watch says 410, and ends.
    Gone,
    /// The watch says nothing any more, and does not end.
    Silence,
}

/// Why something is not done: a code, a reason and a message.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) u16, pub(super) &'static str, pub(super) String);

impl Store {
    pub(super) fn new() -> Self {
        Self {
            resources: resources::built_in(),
            objects: BTreeMap::new(),
            history: Vec::new(),
            revision: 100,
            forgotten: 0,
            traps: Vec::new(),
            forbidden: Vec::new(),
            log: Vec::new(),
            made: 0,
        }
    }

    /// The kind that is served at this path.
    pub(super) fn resource(&self, path: &ObjectPath) -> Result<&Resource, Refusal> {
        let is_meant = |one: &&Resource| {
            one.group == path.group
                && one.plural == path.plural
                && one.versions.contains(&path.version)
        };
        let found = self.resources.iter().find(is_meant);
        found.ok_or_else(|| not_found("the server could not find the requested resource"))
    }

    pub(super) fn get(&self, key: &Key) -> Result<&Value, Refusal> {
        let missing = || not_found(&format!("{} {:?} not found", key.0, key.2));
        self.objects.get(key).ok_or_else(missing)
    }

    /// Makes an object.
    pub(super) fn create(&mut self, key: Key, mut object: Value) -> Result<Value, Refusal> {
        if self.objects.contains_key(&key) {
            let message = format!("{} {:?} already exists", key.0, key.2);
            return Err(Refusal(409, "AlreadyExists", message));
        }
        self.made += 1;
        let seconds = i64::try_from(self.made).unwrap_or_default();
        let created = jiff::Timestamp::from_second(START + seconds).expect("a time");
        let meta = metadata(&mut object);
        meta.insert("name".to_owned(), json!(key.2));
        if !key.1.is_empty() {
            meta.insert("namespace".to_owned(), json!(key.1));
        }
        meta.insert("uid".to_owned(), json!(format!("uid-{}", self.made)));
        meta.insert("generation".to_owned(), json!(1));
        meta.insert("creationTimestamp".to_owned(), json!(created.to_string()));
        Ok(self.put(key, None, object))
    }

    /// Replaces an object, all but its status, or nothing but its status.
    pub(super) fn replace(
        &mut self,
        key: Key,
        mut object: Value,
        status_only: bool,
    ) -> Result<Value, Refusal> {
        let before = self.get(&key)?.clone();
        let expected = &object["metadata"]["resourceVersion"];
        if expected.is_string() && *expected != before["metadata"]["resourceVersion"] {
            let message = "the object has been modified; please apply your changes to the latest \
                           version and try again";
            return Err(Refusal(409, "Conflict", message.to_owned()));
        }
        let uid = &object["metadata"]["uid"];
        if uid.is_string() && *uid != before["metadata"]["uid"] {
            let message = "Precondition failed: UID in object meta differs".to_owned();
            return Err(Refusal(409, "Conflict", message));
        }
        if status_only {
            let status = object["status"].take();
            object = before.clone();
            set(&mut object, "status", status);
        } else {
            self.keep(&key, &before, &mut object);
        }
        if object == before {
            return Ok(before);
        }
        Ok(self.put(key, Some(before), object))
    }

    /// Takes an object out.
    pub(super) fn delete(&mut self, key: &Key) -> Result<Value, Refusal> {
        let before = self.get(key)?.clone();
        self.objects.remove(key);
        self.revision += 1;
        self.happen(
            Some(key.0.clone()),
            Event::Object {
                before: Some(before.clone()),
                now: None,
            },
        );
        Ok(before)
    }

    /// Lets watches see something.
    pub(super) fn happen(&mut self, resource: Option<String>, event: Event) {
        self.history.push(Happening {
            revision: self.revision,
            resource,
            event,
        });
    }

    /// What a write cannot change.
    fn keep(&self, key: &Key, before: &Value, object: &mut Value) {
        let old = &before["metadata"];
        for field in [
            "uid",
            "creationTimestamp",
            "resourceVersion",
            "name",
            "namespace",
        ] {
            if let Some(value) = old.get(field) {
                metadata(object).insert(field.to_owned(), value.clone());
            }
        }
        let is_meant = |one: &&Resource| one.definition() == key.0;
        if self
            .resources
            .iter()
            .find(is_meant)
            .is_some_and(|one| one.has_status)
        {
            set(object, "status", before["status"].clone());
        }
        let generation = old["generation"].as_u64().unwrap_or(1);
        let is_other = wanted(before) != wanted(object);
        let generation = generation + u64::from(is_other);
        metadata(object).insert("generation".to_owned(), json!(generation));
    }

    fn put(&mut self, key: Key, before: Option<Value>, mut object: Value) -> Value {
        self.revision += 1;
        let version = json!(self.revision.to_string());
        metadata(&mut object).insert("resourceVersion".to_owned(), version);
        self.objects.insert(key.clone(), object.clone());
        self.happen(
            Some(key.0),
            Event::Object {
                before,
                now: Some(object.clone()),
            },
        );
        object
    }
}

/// Merges a patch into an object (RFC 7396).
pub(super) fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            fields(object).remove(key);
        } else {
            merge(fields(object).entry(key).or_insert(Value::Null), value);
        }
    }
}

pub(super) fn not_found(message: &str) -> Refusal {
    Refusal(404, "NotFound", message.to_owned())
}

/// What an object asks for: everything but metadata and status.
fn wanted(object: &Value) -> Map<String, Value> {
    let mut fields = object.as_object().cloned().unwrap_or_default();
    for other in ["apiVersion", "kind", "metadata", "status"] {
        fields.remove(other);
    }
    fields
}

fn set(object: &mut Value, field: &str, value: Value) {
    if value.is_null() {
        fields(object).remove(field);
    } else {
        fields(object).insert(field.to_owned(), value);
    }
}

fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    let metadata = fields(object).entry("metadata").or_insert(json!({}));
    fields(metadata)
}

fn fields(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("an object is an object")
}

/// When the first object was made: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;
