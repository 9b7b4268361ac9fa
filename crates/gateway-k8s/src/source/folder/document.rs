//! One document: what it says, and what is wrong with it.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::header::Header;
use super::kinds::{Object, Reader};
use super::lines::Lines;
use super::split::first_line;
use super::value;
use crate::source::Severity;
use crate::world::ObjectRef;

/// A document that was parsed, wherever it stands in its file.
#[derive(Debug)]
pub(super) struct Document {
    text: Box<str>,
    /// Its objects, also those that could be named but not decoded.
    pub(super) entries: Vec<Entry>,
    /// What is wrong with it.
    pub(super) findings: Vec<Finding>,
    /// Whether some object in it could not even be named.
    pub(super) hides_objects: bool,
    lines: OnceLock<Lines>,
}

/// An object of a document.
#[derive(Debug)]
pub(super) struct Entry {
    /// What it is called.
    pub(super) name: ObjectRef,
    /// Its first line, from 1 in the document.
    pub(super) line: usize,
    /// The path of the object in the document; empty but for items of a list.
    pub(super) path: String,
    /// The object, if it could be decoded.
    pub(super) object: Option<Arc<dyn Object>>,
}

/// A [`Problem`](crate::source::Problem) whose place is still relative.
#[derive(Debug)]
pub(super) struct Finding {
    /// From 1 in the document.
    pub(super) line: usize,
    pub(super) object: Option<ObjectRef>,
    pub(super) field: Option<String>,
    pub(super) message: String,
    pub(super) remedy: String,
    pub(super) severity: Severity,
}

impl Document {
    /// Parses a document. What cannot be used is a finding, never an error.
    pub(super) fn parse(text: &str) -> Self {
        let mut document = Self {
            text: text.into(),
            entries: Vec::new(),
            findings: Vec::new(),
            hides_objects: false,
            lines: OnceLock::new(),
        };
        match value::read(text) {
            Ok(Value::Null) => {}
            Ok(Value::Object(object)) => document.take(object),
            Ok(_) => {
                document.hides_objects = true;
                document.report(Finding {
                    line: first_line(text),
                    ..Finding::error("is not an object", "begin with apiVersion and kind")
                });
            }
            Err(malformed) => document.take_malformed(malformed),
        }
        document
    }

    /// The text it was parsed from.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The line, from 1 in the document, of a field of one of its objects.
    pub(super) fn line_of(&self, entry: &Entry, field: &str) -> usize {
        self.lines().line(&join(&entry.path, field))
    }

    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::read(&self.text))
    }

    fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn take(&mut self, mut object: Map<String, Value>) {
        let is_list = object
            .get("kind")
            .and_then(Value::as_str)
            .is_some_and(is_list_kind);
        match object.get_mut("items") {
            Some(Value::Array(items)) if is_list => {
                for (index, item) in std::mem::take(items).into_iter().enumerate() {
                    self.take_item(format!("items[{index}]"), item);
                }
            }
            _ => self.take_object(String::new(), object),
        }
    }

    fn take_item(&mut self, path: String, item: Value) {
        if let Value::Object(object) = item {
            self.take_object(path, object);
        } else {
            self.hides_objects = true;
            let line = self.lines().line(&path);
            self.report(Finding {
                line,
                ..Finding::error("an item of the list is not an object", "remove it")
            });
        }
    }

    fn take_object(&mut self, path: String, mut object: Map<String, Value>) {
        let header = match Header::of(&object) {
            Ok(header) => header,
            Err(finding) => {
                // Something else altogether (a kustomization, say) hides nothing.
                self.hides_objects |= finding.severity == Severity::Error;
                return self.report_at(&path, finding);
            }
        };
        let Some(reader) = Reader::of(&header.group, &header.kind) else {
            return self.report_at(&path, header.unknown_kind());
        };
        let name = match header.name(reader) {
            Ok(name) => name,
            Err(finding) => {
                self.hides_objects = true;
                return self.report_at(&path, finding);
            }
        };
        let about = |finding| Finding {
            object: Some(name.clone()),
            ..finding
        };

        let mut decoded = None;
        if let Some(finding) = header.unknown_version(reader) {
            self.report_at(&path, about(finding));
        } else {
            if let Some(finding) = header.stray_namespace(reader) {
                self.report_at(&path, about(finding));
            }
            settle(&mut object, &name);
            match reader.decode(Value::Object(object)) {
                Ok(object) => {
                    for field in object.unknown {
                        self.report_at(&path, about(Finding::unknown_field(field)));
                    }
                    decoded = Some(object.object);
                }
                Err(undecodable) => self.report_at(&path, about(Finding::from(undecodable))),
            }
        }
        let line = self.first_line_of(&path);
        self.entries.push(Entry {
            name,
            line,
            path,
            object: decoded,
        });
    }

    fn take_malformed(&mut self, malformed: value::Malformed) {
        let named = Header::guess(self.lines());
        self.hides_objects = named.is_none();
        self.report(Finding {
            line: malformed.line,
            object: named.clone(),
            ..Finding::error(malformed.message, "correct the syntax of this document")
        });
        if let Some(name) = named {
            let line = first_line(&self.text);
            self.entries.push(Entry {
                name,
                line,
                path: String::new(),
                object: None,
            });
        }
    }

    fn report_at(&mut self, path: &str, finding: Finding) {
        let line = match &finding.field {
            None => self.first_line_of(path),
            Some(field) => self.lines().line(&join(path, field)),
        };
        self.report(Finding { line, ..finding });
    }

    fn first_line_of(&self, path: &str) -> usize {
        // Without a scan of the whole document, which most need not have.
        match path {
            "" => first_line(&self.text),
            path => self.lines().line(path),
        }
    }
}

/// `List` of the core group, and `HTTPRouteList`; a kind of ours never ends so.
fn is_list_kind(kind: &str) -> bool {
    kind.ends_with("List")
}

/// Leaves of an object what is input: not what was looked at already, and not the
/// status that the object had in the cluster it was copied from.
fn settle(object: &mut Map<String, Value>, name: &ObjectRef) {
    for key in ["apiVersion", "kind", "status"] {
        object.remove(key);
    }
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
        if name.namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), name.namespace.as_ref().into());
        }
    }
}

fn join(path: &str, field: &str) -> String {
    match (path, field) {
        ("", field) => field.to_owned(),
        (path, "") => path.to_owned(),
        (path, field) => format!("{path}.{field}"),
    }
}
