//! Which objects are asked for, and in which form.

use serde_json::{Value, json};

use super::request::{Asked, ObjectPath};
use super::resources::{Resource, group_version};
use super::store::{Key, Refusal};

/// Objects of one kind.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// `plural.group`.
    pub(super) resource: String,
    api_version: String,
    kind: String,
    namespace: String,
    labels: Vec<Term>,
    fields: Vec<Term>,
    metadata_only: bool,
}

/// Something that must be, or must not be, equal.
#[derive(Clone, Debug)]
struct Term {
    key: String,
    value: String,
    is_equal: bool,
}

impl Selection {
    pub(super) fn new(
        resource: &Resource,
        path: &ObjectPath,
        asked: &Asked,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            resource: resource.definition(),
            api_version: group_version(&path.group, &path.version),
            kind: resource.kind.clone(),
            namespace: path.namespace.clone(),
            labels: terms(asked.query("labelSelector"))?,
            fields: terms(asked.query("fieldSelector"))?,
            metadata_only: asked.metadata_only,
        })
    }

    pub(super) fn has(&self, key: &Key, object: &Value) -> bool {
        key.0 == self.resource && self.selects(object)
    }

    pub(super) fn selects(&self, object: &Value) -> bool {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let field = |key: &str| {
            text(
                object
                    .pointer(&format!("/{}", key.replace('.', "/")))
                    .unwrap_or(&Value::Null),
            )
        };
        let label = |key: &str| text(&object["metadata"]["labels"][key]);
        (self.namespace.is_empty() || object["metadata"]["namespace"] == *self.namespace)
            && self
                .labels
                .iter()
                .all(|term| (label(&term.key) == term.value) == term.is_equal)
            && self
                .fields
                .iter()
                .all(|term| (field(&term.key) == term.value) == term.is_equal)
    }

    /// The object in the version and the form that was asked for.
    pub(super) fn shown(&self, object: &Value) -> Value {
        let mut shown = self.type_meta();
        if self.metadata_only {
            shown["metadata"] = object["metadata"].clone();
            return shown;
        }
        for (key, value) in object.as_object().into_iter().flatten() {
            if key != "apiVersion" && key != "kind" {
                shown[key] = value.clone();
            }
        }
        shown
    }

    pub(super) fn type_meta(&self) -> Value {
        if self.metadata_only {
            return json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata" });
        }
        json!({ "apiVersion": self.api_version, "kind": self.kind })
    }

    /// A list of what was [shown](Self::shown).
    pub(super) fn list(&self, items: Vec<Value>, revision: u64, next: Option<String>) -> Value {
        let mut list = self.type_meta();
        list["kind"] = json!(format!("{}List", list["kind"].as_str().unwrap_or_default()));
        list["metadata"] = json!({ "resourceVersion": revision.to_string() });
        if let Some(next) = next {
            list["metadata"]["continue"] = json!(next);
        }
        list["items"] = Value::Array(items);
        list
    }
}

/// The terms of a selector: `a=b,c!=d`.
fn terms(text: &str) -> Result<Vec<Term>, Refusal> {
    let terms = text.split(',').filter(|term| !term.is_empty());
    terms
        .map(|term| {
            let (key, value, is_equal) = match (term.split_once("!="), term.split_once('=')) {
                (Some((key, value)), _) => (key, value, false),
                (None, Some((key, value))) => (key, value.trim_start_matches('='), true),
                (None, None) => {
                    let message = format!("this server does not know the selector {term:?}");
                    return Err(Refusal(400, "BadRequest", message));
                }
            };
            Ok(Term {
                key: key.to_owned(),
                value: value.to_owned(),
                is_equal,
            })
        })
        .collect()
}
