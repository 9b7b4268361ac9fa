//! One file: its documents, and the objects it is good for.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use foldhash::fast::RandomState;

use super::document::{Document, Entry};
use super::finding::Finding;
use super::kinds::Object;
use super::split;
use super::stamp::Stamp;
use crate::source::{Problem, Severity};
use crate::world::{ObjectRef, Place};

/// A file as it was last read, and what it said when it was last good.
#[derive(Debug)]
pub(super) struct File {
    path: Arc<Path>,
    /// Unless the same stamp could stand for other contents.
    stamp: Option<Stamp>,
    /// With the line on which each begins.
    documents: Vec<(usize, Arc<Document>)>,
    served: Vec<Served>,
    trouble: Option<Finding>,
}

/// An object that a file is good for.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) object: Arc<dyn Object>,
    pub(super) origin: Origin,
    /// Whether it is of an earlier reading, because what the file says now cannot
    /// be used.
    pub(super) is_kept: bool,
}

/// Where an object is written.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    file: Arc<Path>,
    line: usize,
    document: Arc<Document>,
    entry: usize,
}

impl Origin {
    pub(super) fn name(&self) -> &ObjectRef {
        &self.entry().name
    }

    /// The first line of the object.
    pub(super) fn place(&self) -> Place {
        self.at(self.entry().line)
    }

    /// The line of a field of the object.
    pub(super) fn place_of(&self, field: &str) -> Place {
        self.at(self.document.line_of(self.entry(), field))
    }

    fn entry(&self) -> &Entry {
        &self.document.entries[self.entry]
    }

    fn at(&self, line: usize) -> Place {
        Place {
            file: Arc::clone(&self.file),
            line: self.line + line - 1,
        }
    }
}

impl File {
    /// A file that has not been read yet.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            stamp: None,
            documents: Vec::new(),
            served: Vec::new(),
            trouble: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The objects it is good for, in their order; those of an earlier reading last.
    pub(super) fn served(&self) -> &[Served] {
        &self.served
    }

    /// Reads the file if it may have changed. Says whether it has, and counts the
    /// documents that had to be parsed for it.
    pub(super) fn refresh(&mut self, parsed: &mut usize) -> bool {
        match contents(&self.path, self.stamp) {
            Ok(Contents::Same) => false,
            Ok(Contents::Text { text, stamp }) => {
                self.stamp = stamp;
                let recovered = self.trouble.take().is_some();
                self.take(&text, parsed) || recovered
            }
            Err(error) => {
                self.stamp = None;
                let finding = Finding::error(error.to_string(), "make the file readable");
                let before = self.trouble.replace(finding);
                before.map(|finding| finding.message)
                    != self.trouble.as_ref().map(|now| now.message.clone())
            }
        }
    }

    fn take(&mut self, text: &str, parsed: &mut usize) -> bool {
        let split = split::documents(text);
        let now = split.iter().map(|document| (document.line, document.text));
        if now.eq(self
            .documents
            .iter()
            .map(|(line, document)| (*line, document.text())))
        {
            return false;
        }
        // A document that has only moved is the same, and so are its objects.
        let known: HashMap<&str, &Arc<Document>, RandomState> = self
            .documents
            .iter()
            .map(|(_, document)| (document.text(), document))
            .collect();
        let documents = split.iter().map(|split::Document { line, text }| {
            let document = known.get(text).map_or_else(
                || {
                    *parsed += 1;
                    Arc::new(Document::parse(text))
                },
                |document| Arc::clone(document),
            );
            (*line, document)
        });
        self.documents = documents.collect();
        self.serve();
        true
    }

    /// Decides what the file is good for now.
    fn serve(&mut self) {
        let before = std::mem::take(&mut self.served);
        let mut failed = HashMap::new();
        let mut hides_objects = false;

        for (line, document) in &self.documents {
            hides_objects |= document.hides_objects;
            for (entry, read) in document.entries.iter().enumerate() {
                let origin = Origin {
                    file: Arc::clone(&self.path),
                    line: *line,
                    document: Arc::clone(document),
                    entry,
                };
                match &read.object {
                    None => {
                        failed.insert(read.name.clone(), origin);
                    }
                    Some(object) => self.served.push(Served {
                        object: Arc::clone(object),
                        origin,
                        is_kept: false,
                    }),
                }
            }
        }
        if hides_objects || !failed.is_empty() {
            self.keep(before, &failed, hides_objects);
        }
    }

    /// Keeps the last good version of what cannot be used any more: of an object
    /// that has a name, or of all of them if there is one that has none.
    fn keep(
        &mut self,
        before: Vec<Served>,
        failed: &HashMap<ObjectRef, Origin>,
        hides_objects: bool,
    ) {
        let good: HashSet<ObjectRef> = self
            .served
            .iter()
            .map(|served| served.origin.name().clone())
            .collect();
        for served in before {
            let name = served.origin.name();
            if good.contains(name) {
                continue;
            }
            let origin = match failed.get(name) {
                Some(origin) => origin.clone(),
                None if hides_objects => served.origin.clone(),
                None => continue,
            };
            self.served.push(Served {
                object: served.object,
                origin,
                is_kept: true,
            });
        }
    }

    /// What is wrong with the file as it is.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        let documents = self.documents.iter().flat_map(|(line, document)| {
            document
                .findings
                .iter()
                .map(move |finding| (*line, finding))
        });
        let trouble = self.trouble.iter().map(|finding| (1, finding));
        trouble.chain(documents).map(|(line, finding)| Problem {
            place: Place {
                file: Arc::clone(&self.path),
                line: line + finding.line - 1,
            },
            object: finding.object.clone(),
            field: finding.field.clone(),
            message: finding.message.clone(),
            remedy: self.remedy(finding),
            severity: finding.severity,
        })
    }

    fn remedy(&self, finding: &Finding) -> String {
        let mut kept = self.served.iter().filter(|served| served.is_kept);
        let stays = finding.severity == Severity::Error
            && match &finding.object {
                Some(object) => kept.any(|served| served.origin.name() == object),
                None => kept.next().is_some(),
            };
        if stays {
            format!(
                "{} (until then, what was good before stays in use)",
                finding.remedy
            )
        } else {
            finding.remedy.clone()
        }
    }
}

enum Contents {
    Same,
    Text { text: String, stamp: Option<Stamp> },
}

fn contents(path: &Path, known: Option<Stamp>) -> io::Result<Contents> {
    let meta = fs::metadata(path)?;
    let stamp = Stamp::of(&meta);
    if known == Some(stamp) {
        return Ok(Contents::Same);
    }
    if meta.len() > LARGEST_FILE {
        let message = format!("is larger than {} MiB", LARGEST_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let now = SystemTime::now();
    let mut text = fs::read_to_string(path)?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.remove(0);
    }
    Ok(Contents::Text {
        text,
        stamp: stamp.is_settled(now).then_some(stamp),
    })
}

// Someone else's file, or a mistake: a hundred thousand routes are a third of it.
const LARGEST_FILE: u64 = 128 << 20;
const BYTE_ORDER_MARK: char = '\u{feff}';
