//! What an object is called, before it is decoded.

use serde_json::{Map, Value};

use super::finding::Finding;
use super::lines::Lines;
use crate::source::kinds::Reader;
use crate::world::ObjectRef;

/// The head of any Kubernetes object.
pub(super) struct Header {
    /// Empty for the core group.
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    namespace: Option<String>,
    name: Option<String>,
}

impl Header {
    /// Reads the head of an object.
    pub(super) fn of(object: &Map<String, Value>) -> Result<Self, Box<Finding>> {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let meta = |key: &str| {
            object
                .get("metadata")?
                .get(key)?
                .as_str()
                .map(str::to_owned)
        };

        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            // Some other file (a kustomization, say) is no mistake.
            let looks_like_one = ["apiVersion", "kind", "metadata"]
                .iter()
                .any(|key| object.contains_key(*key));
            let finding = if looks_like_one {
                Finding::error("apiVersion or kind is missing", "add it")
            } else {
                Finding::warning("is no Kubernetes object", "move it elsewhere")
            };
            return Err(Box::new(finding));
        };
        Ok(Self::new(
            api_version,
            kind,
            meta("namespace"),
            meta("name"),
        ))
    }

    /// The name of the object in a document that cannot be parsed to its end.
    pub(super) fn guess(lines: &Lines) -> Option<ObjectRef> {
        let text = |path| lines.scalar(path).map(str::to_owned);
        let header = Self::new(
            lines.scalar("apiVersion")?,
            lines.scalar("kind")?,
            text("metadata.namespace"),
            text("metadata.name"),
        );
        header.name(Reader::of(&header.group, &header.kind)?).ok()
    }

    fn new(api_version: &str, kind: &str, namespace: Option<String>, name: Option<String>) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.filter(|namespace| !namespace.is_empty()),
            name: name.filter(|name| !name.is_empty()),
        }
    }

    /// What the object is called. Without a namespace, it is in `default`.
    pub(super) fn name(&self, reader: &Reader) -> Result<ObjectRef, Box<Finding>> {
        let Some(name) = &self.name else {
            let message = format!("{} has no name", self.kind);
            let finding = Finding::error(message, "add one, in quotes if it is a number");
            return Err(Box::new(finding.in_field("metadata.name")));
        };
        let namespace = match (&self.namespace, reader.namespaced) {
            (Some(namespace), true) => namespace,
            (None, true) => "default",
            (_, false) => "",
        };
        let (group, kind) = reader.group_kind();
        Ok(ObjectRef {
            group,
            kind,
            namespace: namespace.into(),
            name: name.as_str().into(),
        })
    }

    /// Objects of other kinds may stand in the same files.
    pub(super) fn unknown_kind(&self) -> Finding {
        let message = format!(
            "{} of {} is not a kind this gateway reads",
            self.kind,
            self.group_version()
        );
        let remedy = "nothing, or check the spelling of apiVersion and kind";
        Finding::warning(message, remedy).in_field("kind")
    }

    /// A version that may have fields of other meaning.
    pub(super) fn unknown_version(&self, reader: &Reader) -> Option<Finding> {
        if reader.versions.contains(&self.version.as_str()) {
            return None;
        }
        let message = format!(
            "{} has no version {:?} this gateway reads",
            self.kind, self.version
        );
        let remedy = format!("use one of {}", reader.versions.join(", "));
        Some(Finding::error(message, remedy).in_field("apiVersion"))
    }

    /// A namespace on a kind that has none.
    pub(super) fn stray_namespace(&self, reader: &Reader) -> Option<Finding> {
        if reader.namespaced || self.namespace.is_none() {
            return None;
        }
        let message = format!("{} has no namespace", self.kind);
        Some(Finding::warning(message, "remove it").in_field("metadata.namespace"))
    }

    fn group_version(&self) -> String {
        match &*self.group {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}
