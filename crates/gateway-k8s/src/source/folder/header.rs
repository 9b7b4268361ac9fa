//! What an object is called, before it is decoded.

use serde_json::{Map, Value};

use super::document::Finding;
use super::kinds::{Reader, Undecodable};
use super::lines::Lines;
use crate::source::Severity;
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
    pub(super) fn of(object: &Map<String, Value>) -> Result<Self, Finding> {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let meta = |key: &str| {
            object
                .get("metadata")?
                .get(key)?
                .as_str()
                .map(str::to_owned)
        };

        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            let is_object = ["apiVersion", "kind", "metadata"]
                .iter()
                .any(|key| object.contains_key(*key));
            let finding = Finding::error(
                "is no Kubernetes object: apiVersion or kind is missing",
                "add apiVersion and kind, or move the document elsewhere",
            );
            return Err(if is_object {
                finding
            } else {
                finding.as_warning()
            });
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
    pub(super) fn name(&self, reader: &Reader) -> Result<ObjectRef, Finding> {
        let Some(name) = &self.name else {
            return Err(Finding {
                field: Some("metadata.name".to_owned()),
                ..Finding::error(
                    format!("{} has no name", self.kind),
                    "add the name, in quotes if it is a number",
                )
            });
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
        Finding {
            field: Some("kind".to_owned()),
            ..Finding::error(
                format!(
                    "{} of {} is not a kind this gateway reads",
                    self.kind,
                    self.group_version()
                ),
                "nothing, or check the spelling of apiVersion and kind",
            )
            .as_warning()
        }
    }

    /// A version that may have fields of other meaning.
    pub(super) fn unknown_version(&self, reader: &Reader) -> Option<Finding> {
        if reader.versions.contains(&self.version.as_str()) {
            return None;
        }
        Some(Finding {
            field: Some("apiVersion".to_owned()),
            ..Finding::error(
                format!(
                    "{} has no version {:?} this gateway reads",
                    self.kind, self.version
                ),
                format!("use one of {}", reader.versions.join(", ")),
            )
        })
    }

    /// A namespace on a kind that has none.
    pub(super) fn stray_namespace(&self, reader: &Reader) -> Option<Finding> {
        if reader.namespaced || self.namespace.is_none() {
            return None;
        }
        Some(Finding {
            field: Some("metadata.namespace".to_owned()),
            ..Finding::error(format!("{} has no namespace", self.kind), "remove it").as_warning()
        })
    }

    fn group_version(&self) -> String {
        match &*self.group {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

impl Finding {
    /// An error about no object and no field, on the first line.
    pub(super) fn error(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            line: 1,
            object: None,
            field: None,
            message: message.into(),
            remedy: remedy.into(),
            severity: Severity::Error,
        }
    }

    fn as_warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// A field that the kind does not have.
    pub(super) fn unknown_field(field: String) -> Self {
        Self {
            field: Some(field),
            ..Self::error(
                "this kind has no such field, it has no effect",
                "check its spelling and its place, or remove it",
            )
            .as_warning()
        }
    }
}

impl From<Undecodable> for Finding {
    fn from(undecodable: Undecodable) -> Self {
        let remedy = if undecodable.message.starts_with("missing field") {
            "add the field"
        } else {
            "write the field in the form the API gives it"
        };
        Self {
            field: undecodable.field,
            ..Self::error(undecodable.message, remedy)
        }
    }
}
