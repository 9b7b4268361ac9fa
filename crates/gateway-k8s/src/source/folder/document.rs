//! One document: what it says, and what is wrong with it.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::finding::Finding;
use super::header::Header;
use super::lines::Lines;
use super::split::{Piece, first_line};
use super::value;
use crate::source::Severity;
use crate::source::kinds::{Object, Reader};
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
    /// How many lines of the file end in it.
    pub(super) length: usize,
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

impl Document {
    /// Parses a document. What cannot be used is a finding, never an error.
    pub(super) fn parse(piece: Piece<'_>) -> Self {
        let text = piece.text;
        let mut document = Self {
            text: text.into(),
            entries: Vec::new(),
            findings: Vec::new(),
            hides_objects: false,
            length: piece.lines,
            lines: OnceLock::new(),
        };
        if !piece.has_content {
            return document;
        }
        match value::read(text) {
            Ok(Value::Null) => {}
            Ok(Value::Object(object)) => document.take(object),
            Ok(_) => {
                document.hides_objects = true;
                let finding = Finding::error("is not an object", "begin with apiVersion and kind");
                document.findings.push(finding.on_line(first_line(text)));
            }
            Err(malformed) => document.take_malformed(malformed),
        }
        document
    }

    /// The text it was parsed from.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Its objects that can be used, with their places among the entries.
    pub(super) fn objects(&self) -> impl Iterator<Item = (usize, &ObjectRef)> {
        let entries = self.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| entry.object.is_some())
            .map(|(index, entry)| (index, &entry.name))
    }

    /// The place among the entries of an object that cannot be used.
    pub(super) fn failed(&self, name: &ObjectRef) -> Option<usize> {
        let is_meant = |entry: &Entry| entry.object.is_none() && entry.name == *name;
        self.entries.iter().position(is_meant)
    }

    /// Whether something in it cannot be used.
    pub(super) fn is_troubled(&self) -> bool {
        self.hides_objects || self.entries.iter().any(|entry| entry.object.is_none())
    }

    /// The line, from 1 in the document, of a field of one of its objects.
    pub(super) fn line_of(&self, entry: &Entry, field: &str) -> usize {
        self.lines().line(&join(&entry.path, field))
    }

    fn lines(&self) -> &Lines {
        self.lines.get_or_init(|| Lines::read(&self.text))
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
            let finding = Finding::error("an item of the list is not an object", "remove it");
            self.report(&path, finding);
        }
    }

    fn take_object(&mut self, path: String, object: Map<String, Value>) {
        let header = match Header::of(&object) {
            Ok(header) => header,
            Err(finding) => {
                self.hides_objects |= finding.severity == Severity::Error;
                return self.report(&path, *finding);
            }
        };
        let Some(reader) = Reader::of(&header.group, &header.kind) else {
            return self.report(&path, header.unknown_kind());
        };
        match header.name(reader) {
            Ok(name) => {
                let object = self.decode(&path, &header, reader, &name, object);
                self.entries.push(Entry {
                    name,
                    line: self.first_line_of(&path),
                    path,
                    object,
                });
            }
            Err(finding) => {
                self.hides_objects = true;
                self.report(&path, *finding);
            }
        }
    }

    fn decode(
        &mut self,
        path: &str,
        header: &Header,
        reader: &Reader,
        name: &ObjectRef,
        mut object: Map<String, Value>,
    ) -> Option<Arc<dyn Object>> {
        if let Some(finding) = header.unknown_version(reader) {
            self.report(path, finding.about(name));
            return None;
        }
        if let Some(finding) = header.stray_namespace(reader) {
            self.report(path, finding.about(name));
        }
        leave_input(&mut object, name);
        match reader.decode(Value::Object(object)) {
            Ok(decoded) => {
                for field in decoded.unknown {
                    self.report(path, Finding::unknown_field(field).about(name));
                }
                Some(decoded.object)
            }
            Err(misfit) => {
                self.report(path, Finding::from(misfit).about(name));
                None
            }
        }
    }

    fn take_malformed(&mut self, malformed: value::Malformed) {
        let finding = Finding::error(malformed.message, "correct the syntax of this document")
            .on_line(malformed.line);
        let Some(name) = Header::guess(self.lines()) else {
            self.hides_objects = true;
            return self.findings.push(finding);
        };
        self.findings.push(finding.about(&name));
        self.entries.push(Entry {
            name,
            line: first_line(&self.text),
            path: String::new(),
            object: None,
        });
    }

    /// Notes a finding about the object at `path`.
    fn report(&mut self, path: &str, finding: Finding) {
        let line = match &finding.field {
            None => self.first_line_of(path),
            Some(field) => self.lines().line(&join(path, field)),
        };
        self.findings.push(finding.on_line(line));
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

/// Takes off what is no input: what was looked at already, and the status that the
/// object had in the cluster it was copied from.
fn leave_input(object: &mut Map<String, Value>, name: &ObjectRef) {
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
