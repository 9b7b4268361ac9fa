//! The regular expressions of one hostname.

use regex::{RegexSet, RegexSetBuilder};

use super::RequestHead;
use super::candidate::Candidate;
use super::table::Match;
use super::update::Edit;
use crate::model::Pattern;

/// Matches by regular expression, in the order in which they are asked.
#[derive(Debug)]
pub(super) struct Regexes<T> {
    list: Vec<Entry<T>>,
    // Tells at once which of many patterns match. It costs an allocation, which
    // pays when it replaces more than a few searches.
    all: Option<RegexSet>,
}

/// A match with its pattern.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) pattern: Pattern,
    pub(super) candidate: Candidate<T>,
}

impl<T> Regexes<T> {
    /// The first match whose pattern and conditions hold.
    pub(super) fn find(&self, head: &RequestHead<'_>) -> Option<Match<'_, T>> {
        if self.list.is_empty() {
            return None;
        }
        let hits = self.all.as_ref().map(|all| all.matches(head.path));

        self.list
            .iter()
            .enumerate()
            .filter(|(index, entry)| match &hits {
                Some(hits) => hits.matched(*index),
                None => entry.pattern.matches(head.path),
            })
            .find(|(_, entry)| entry.candidate.holds(head))
            .map(|(_, entry)| entry.candidate.matched())
    }

    /// Without the routes that `edit` removes, with the matches in `added`.
    pub(super) fn edited(&self, added: Vec<Entry<T>>, edit: &Edit<'_, T>) -> Self
    where
        T: Clone,
    {
        let kept = self
            .list
            .iter()
            .filter(|entry| !edit.removes(&entry.candidate));
        let mut list: Vec<_> = kept.cloned().chain(added).collect();

        list.sort_by(|a, b| edit.order(&a.candidate, &b.candidate));

        Self {
            all: (list.len() > A_FEW).then(|| set_of(&list)).flatten(),
            list,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<T> Default for Regexes<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            all: None,
        }
    }
}

/// None if together they compile to too much; then each is asked alone.
fn set_of<T>(list: &[Entry<T>]) -> Option<RegexSet> {
    let sources = list.iter().map(|entry| format!("^(?:{})$", entry.pattern));

    RegexSetBuilder::new(sources).build().ok()
}

/// As many patterns are tried one after the other.
const A_FEW: usize = 8;
