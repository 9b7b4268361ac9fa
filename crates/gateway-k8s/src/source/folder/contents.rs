//! What a file says.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use super::catalog::Claim;
use super::document::Document;
use super::finding::Finding;
use super::split::{Piece, Pieces};
use crate::source::{Problem, Severity};
use crate::world::{ObjectRef, Place};

/// A file as it was last read. Never changes.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) path: Arc<Path>,
    /// All of its text, in order. Each is there once: equal texts are documents of
    /// their own.
    pub(super) documents: Vec<Arc<Document>>,
    /// Those of them in which something cannot be used.
    troubled: Vec<Arc<Document>>,
    /// Objects of an earlier reading that are used until the file is good again.
    pub(super) kept: Vec<Claim>,
    /// Why the file could not be read since.
    pub(super) trouble: Option<Finding>,
    spots: OnceLock<HashMap<usize, Spot, RandomState>>,
}

/// Where in its file a document is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// The place among the documents.
    pub(super) index: usize,
    /// The line on which it begins, from 1.
    pub(super) line: usize,
}

/// What is different between two readings of a file.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) documents: Vec<Arc<Document>>,
    pub(super) removed: Vec<Arc<Document>>,
    pub(super) added: Vec<Arc<Document>>,
    /// How many documents had to be parsed.
    pub(super) parsed: usize,
}

impl Contents {
    /// A file that has not been read yet.
    pub(super) fn empty(path: &Path) -> Self {
        Self::new(path.into(), Vec::new(), Vec::new(), None)
    }

    fn new(
        path: Arc<Path>,
        documents: Vec<Arc<Document>>,
        troubled: Vec<Arc<Document>>,
        trouble: Option<Finding>,
    ) -> Self {
        Self {
            path,
            documents,
            troubled,
            kept: Vec::new(),
            trouble,
            spots: OnceLock::new(),
        }
    }

    /// The same file with these documents, of which nothing is kept yet.
    pub(super) fn edited(&self, difference: &Difference) -> Self {
        let removed: HashSet<_> = difference.removed.iter().map(address).collect();
        let troubled = self.troubled.iter();
        let troubled = troubled.filter(|one| !removed.contains(&address(one)));
        let added = difference.added.iter().filter(|one| one.is_troubled());
        Self::new(
            Arc::clone(&self.path),
            difference.documents.clone(),
            troubled.chain(added).cloned().collect(),
            None,
        )
    }

    /// The same contents, which could or could not be confirmed.
    pub(super) fn with_trouble(&self, trouble: Option<Finding>) -> Self {
        Self {
            kept: self.kept.clone(),
            ..Self::new(
                Arc::clone(&self.path),
                self.documents.clone(),
                self.troubled.clone(),
                trouble,
            )
        }
    }

    /// Compares with a text. Documents that are the same, or have only moved, are
    /// the same allocation. Nothing if all are.
    pub(super) fn difference(&self, text: &str) -> Option<Difference> {
        let (head, head_length) = self.common_head(text);
        let (pieces, tail) = self.pieces_until_tail(text, head, head_length);
        let old = &self.documents[head..self.documents.len() - tail];
        if pieces.is_empty() && old.is_empty() {
            return None;
        }

        let mut known: HashMap<&str, Vec<&Arc<Document>>, RandomState> = HashMap::default();
        for document in old.iter().rev() {
            known.entry(document.text()).or_default().push(document);
        }
        let (mut between, mut added) = (Vec::with_capacity(pieces.len()), Vec::new());
        let (mut moved, mut parsed) = (HashSet::new(), 0);
        for piece in pieces {
            if let Some(document) = known.get_mut(piece.text).and_then(Vec::pop) {
                moved.insert(address(document));
                between.push(Arc::clone(document));
            } else {
                parsed += usize::from(piece.has_content);
                let document = Arc::new(Document::parse(piece));
                added.push(Arc::clone(&document));
                between.push(document);
            }
        }
        let removed = old.iter().filter(|one| !moved.contains(&address(one)));
        let removed = removed.cloned().collect();
        let before = self.documents[..head].iter().cloned();
        let after = self.documents[self.documents.len() - tail..]
            .iter()
            .cloned();
        Some(Difference {
            documents: before.chain(between).chain(after).collect(),
            removed,
            added,
            parsed,
        })
    }

    /// How many documents the text begins with, and how long they are together.
    fn common_head(&self, text: &str) -> (usize, usize) {
        let (mut count, mut length, mut last) = (0, 0, 0);
        for document in &self.documents {
            if !text.as_bytes()[length..].starts_with(document.text().as_bytes()) {
                break;
            }
            last = document.text().len();
            length += last;
            count += 1;
        }
        // All but the last are certain: what follows that may belong to it.
        if count == self.documents.len() && length == text.len() {
            (count, length)
        } else {
            (count.saturating_sub(1), length - last)
        }
    }

    /// The pieces after the head, up to where the rest of the text is the last
    /// documents; and how many these are.
    fn pieces_until_tail<'t>(
        &self,
        text: &'t str,
        head: usize,
        head_length: usize,
    ) -> (Vec<Piece<'t>>, usize) {
        let mut rest = Pieces::of(&text[head_length..]);
        // The lengths of all ends of the text that are documents.
        let mut tails = vec![0];
        let mut length = 0;
        for document in self.documents[head..].iter().rev() {
            let before = &text.as_bytes()[head_length..text.len() - length];
            if !before.ends_with(document.text().as_bytes()) {
                break;
            }
            length += document.text().len();
            tails.push(length);
        }

        let mut pieces = Vec::new();
        loop {
            while tails.last().is_some_and(|tail| *tail > rest.left()) {
                tails.pop();
            }
            if tails.last() == Some(&rest.left()) {
                return (pieces, tails.len() - 1);
            }
            pieces.extend(rest.next());
        }
    }

    /// Where a document is, if it still is in the file.
    pub(super) fn spot(&self, document: &Arc<Document>) -> Option<Spot> {
        let spots = self.spots.get_or_init(|| {
            let mut line = 1;
            let spot = |(index, document): (usize, &Arc<Document>)| {
                let spot = Spot { index, line };
                line += document.length;
                (address(document), spot)
            };
            self.documents.iter().enumerate().map(spot).collect()
        });
        spots.get(&address(document)).copied()
    }

    /// Whether some object in it could not even be named.
    pub(super) fn hides_objects(&self) -> bool {
        self.troubled.iter().any(|document| document.hides_objects)
    }

    /// The document in which an object cannot be used, and the place among its
    /// entries. The last, if there are several.
    pub(super) fn failed(&self, name: &ObjectRef) -> Option<(&Arc<Document>, usize)> {
        let mut troubled = self.troubled.iter().rev();
        troubled.find_map(|document| Some((document, document.failed(name)?)))
    }

    /// What is wrong with the file as it is.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        let mut line = 1;
        let lines = self.documents.iter().map(move |document| {
            let first = line;
            line += document.length;
            (first, document)
        });
        let findings = lines.flat_map(|(line, document)| {
            let findings = document.findings.iter();
            findings.map(move |finding| (line, finding))
        });
        let trouble = self.trouble.iter().map(|finding| (1, finding));
        trouble.chain(findings).map(|(line, finding)| Problem {
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
        let mut kept = self.kept.iter();
        let stays = finding.severity == Severity::Error
            && match &finding.object {
                Some(object) => kept.any(|kept| kept.name() == object),
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

fn address(document: &Arc<Document>) -> usize {
    Arc::as_ptr(document).addr()
}
