//! The matches of one hostname, by path.

use std::collections::HashMap;
use std::sync::Arc;

use super::RequestHead;
use super::candidate::{Candidate, Entry};
use super::depths::Depths;
use super::keys::PathKeys;
use super::regexes::{self, Regexes};
use super::shared::SharedTable;
use super::table::Match;
use super::update::Edit;
use crate::model::PathMatch;

/// Every match of the routes that have one hostname.
#[derive(Debug)]
pub(super) struct PathTable<T> {
    exact: Buckets<T>,
    prefix: Buckets<T>,
    // Of the prefixes.
    depths: Depths,
    regexes: Arc<Regexes<T>>,
}

impl<T> PathTable<T> {
    /// The match that wins.
    #[inline]
    pub(super) fn find<'a>(
        &'a self,
        keys: &PathKeys<'_>,
        head: &RequestHead<'_>,
    ) -> Option<Match<'a, T>> {
        let exact = find(&self.exact, keys.whole().hash, keys.path());
        if let Some(found) = exact.and_then(|bucket| bucket.choose(head)) {
            return found.matched(None);
        }

        keys.prefixes(&self.depths)
            .find_map(|key| {
                let bucket = find(&self.prefix, key.hash, &keys.path()[..key.end])?;
                bucket.choose(head)?.matched(Some(&bucket.path))
            })
            .or_else(|| self.regexes.find(head))
    }

    /// Without the matches of `removed`, with those of `added`.
    pub(super) fn edited(
        &self,
        removed: &[Arc<Entry<T>>],
        added: &[Arc<Entry<T>>],
        edit: &Edit<'_, T>,
    ) -> Self {
        let mut changes = Changes::default();
        for entry in removed {
            changes.remove(entry);
        }
        for entry in added {
            changes.add(entry);
        }

        let mut edited = self.clone();
        edit_buckets(&mut edited.exact, changes.exact, edit, |_, _| {});
        edit_buckets(
            &mut edited.prefix,
            changes.prefix,
            edit,
            |depth, is_there| match is_there {
                true => edited.depths.add(depth),
                false => edited.depths.remove(depth),
            },
        );
        if let Some(added) = changes.regexes {
            edited.regexes = Arc::new(self.regexes.edited(added, edit));
        }
        edited
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.len() == 0 && self.prefix.len() == 0 && self.regexes.is_empty()
    }
}

impl<T> Default for PathTable<T> {
    fn default() -> Self {
        Self {
            exact: SharedTable::default(),
            prefix: SharedTable::default(),
            depths: Depths::default(),
            regexes: Arc::default(),
        }
    }
}

impl<T> Clone for PathTable<T> {
    // By hand, because `T` need not be `Clone`.
    fn clone(&self) -> Self {
        Self {
            exact: self.exact.clone(),
            prefix: self.prefix.clone(),
            depths: self.depths.clone(),
            regexes: Arc::clone(&self.regexes),
        }
    }
}

/// The matches that ask for the very same path.
#[derive(Debug)]
struct Bucket<T> {
    path: Arc<str>,
    // Asked first. Most paths have no other.
    first: Candidate<T>,
    // In the order in which they are asked.
    others: Box<[Candidate<T>]>,
}

impl<T> Bucket<T> {
    #[inline]
    fn choose(&self, head: &RequestHead<'_>) -> Option<&Candidate<T>> {
        self.candidates().find(|candidate| candidate.holds(head))
    }

    #[inline]
    fn candidates(&self) -> impl Iterator<Item = &Candidate<T>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What becomes of `old`; nothing, if no candidate is left.
    fn edited(
        old: Option<&Self>,
        path: &Arc<str>,
        added: Vec<Candidate<T>>,
        edit: &Edit<'_, T>,
    ) -> Option<Self> {
        let kept = old.into_iter().flat_map(Self::candidates);
        let kept = kept.filter(|candidate| !edit.removes(candidate));
        let mut candidates: Vec<_> = kept.cloned().chain(added).collect();
        candidates.sort_by(|a, b| edit.order(a, b));
        let mut candidates = candidates.into_iter();

        Some(Self {
            path: Arc::clone(old.map_or(path, |old| &old.path)),
            first: candidates.next()?,
            others: candidates.collect(),
        })
    }
}

type Buckets<T> = SharedTable<Arc<Bucket<T>>>;

#[inline]
fn find<'a, T>(buckets: &'a Buckets<T>, hash: u64, path: &str) -> Option<&'a Bucket<T>> {
    buckets
        .find(hash, |bucket| *bucket.path == *path)
        .map(|bucket| &**bucket)
}

/// The paths whose matches change, with the matches that are new.
struct Changes<'a, T> {
    exact: HashMap<&'a Arc<str>, Vec<Candidate<T>>>,
    prefix: HashMap<&'a Arc<str>, Vec<Candidate<T>>>,
    regexes: Option<Vec<regexes::Entry<T>>>,
}

impl<'a, T> Changes<'a, T> {
    fn remove(&mut self, entry: &'a Entry<T>) {
        for (_, _, path, _) in entry.conditions() {
            match path {
                PathMatch::Exact(path) => {
                    self.exact.entry(path).or_default();
                }
                PathMatch::Prefix(path) => {
                    self.prefix.entry(path).or_default();
                }
                PathMatch::Regex(_) => {
                    self.regexes.get_or_insert_default();
                }
            }
        }
    }

    fn add(&mut self, entry: &'a Arc<Entry<T>>) {
        for (rule, index, path, condition) in entry.conditions() {
            let candidate = Candidate::new(entry, rule, index, condition);

            match path {
                PathMatch::Exact(path) => self.exact.entry(path).or_default().push(candidate),
                PathMatch::Prefix(path) => self.prefix.entry(path).or_default().push(candidate),
                PathMatch::Regex(pattern) => {
                    self.regexes.get_or_insert_default().push(regexes::Entry {
                        pattern: pattern.clone(),
                        candidate,
                    });
                }
            }
        }
    }
}

impl<T> Default for Changes<'_, T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            prefix: HashMap::new(),
            regexes: None,
        }
    }
}

/// Tells `note` the depth of every path that appears (`true`) or vanishes.
fn edit_buckets<T>(
    buckets: &mut Buckets<T>,
    changes: HashMap<&Arc<str>, Vec<Candidate<T>>>,
    edit: &Edit<'_, T>,
    mut note: impl FnMut(usize, bool),
) {
    for (path, added) in changes {
        let keys = PathKeys::new(path, edit.seed());
        let hash = keys.whole().hash;
        let old = find(buckets, hash, path);
        let was_there = old.is_some();
        let new = Bucket::edited(old, path, added, edit);

        if was_there != new.is_some() {
            note(keys.depth(), new.is_some());
        }
        match new {
            Some(new) => buckets.put(hash, Arc::new(new), |bucket| bucket.path == *path),
            None => buckets.remove(hash, |bucket| bucket.path == *path),
        }
    }
}
