//! The matches of one hostname, by path.

use std::collections::HashMap;
use std::sync::Arc;

use super::RequestHead;
use super::candidate::{Candidate, Entry};
use super::depths::Depths;
use super::keys::{self, Key, PathKeys};
use super::regexes::{self, Regexes};
use super::shared::{Change, Keyed, SharedTable};
use super::table::Match;
use super::text::Text;
use super::update::Edit;
use crate::model::PathMatch;

/// Every match of the routes that have one hostname.
#[derive(Clone, Debug)]
pub(super) struct PathTable<T> {
    exact: Paths<T>,
    prefix: Paths<T>,
    // Most hostnames have none.
    regexes: Option<Arc<Regexes<T>>>,
}

impl<T: Clone> PathTable<T> {
    /// Takes out the matches of `removed`, and puts in those of `added`.
    pub(super) fn edit(
        &mut self,
        removed: &[Arc<Entry<T>>],
        added: &[Arc<Entry<T>>],
        edit: &Edit<'_, T>,
    ) {
        let mut changes = Changes::default();
        for entry in removed {
            changes.remove(entry);
        }
        for entry in added {
            changes.add(entry);
        }

        self.exact.edit(changes.exact, edit);
        self.prefix.edit(changes.prefix, edit);
        if let Some(added) = changes.regexes {
            let regexes = match &self.regexes {
                Some(regexes) => regexes.edited(added, edit),
                None => Regexes::default().edited(added, edit),
            };
            self.regexes = (!regexes.is_empty()).then(|| Arc::new(regexes));
        }
    }
}

impl<T> PathTable<T> {
    /// The match that wins.
    #[inline]
    pub(super) fn find<'a>(
        &'a self,
        keys: &PathKeys<'_>,
        head: &RequestHead<'_>,
    ) -> Option<Match<'a, T>> {
        let exact = self.exact.depths.has(keys.depth()).then(|| keys.whole());
        let found = exact
            .and_then(|key| self.exact.choose(key, keys, head))
            .or_else(|| {
                keys.prefixes(&self.prefix.depths)
                    .find_map(|key| self.prefix.choose(key, keys, head))
            });

        match (found, &self.regexes) {
            (Some(found), _) => Some(found.matched()),
            (None, Some(regexes)) => regexes.find(head),
            (None, None) => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.exact.depths.is_empty() && self.prefix.depths.is_empty() && self.regexes.is_none()
    }
}

impl<T> Default for PathTable<T> {
    fn default() -> Self {
        Self {
            exact: Paths::default(),
            prefix: Paths::default(),
            regexes: None,
        }
    }
}

/// Matches by the paths they ask for.
#[derive(Clone, Debug)]
struct Paths<T> {
    depths: Depths,
    buckets: SharedTable<Bucket<T>>,
}

impl<T> Paths<T> {
    #[inline]
    fn choose(
        &self,
        key: Key,
        keys: &PathKeys<'_>,
        head: &RequestHead<'_>,
    ) -> Option<&Candidate<T>> {
        let path = &keys.path().as_bytes()[..key.end];

        self.buckets.find(|| key.hash, path)?.choose(head)
    }
}

impl<T: Clone> Paths<T> {
    fn edit(&mut self, changes: HashMap<&Arc<str>, Vec<Candidate<T>>>, edit: &Edit<'_, T>) {
        let changes = changes.into_iter().map(|(path, added)| {
            let keys = PathKeys::new(path, edit.seed());
            let old = self.buckets.find(|| keys.whole().hash, path.as_bytes());
            let new = Bucket::edited(old, path, added, edit);

            match (old.is_some(), new.is_some()) {
                (false, true) => self.depths.add(keys.depth()),
                (true, false) => self.depths.remove(keys.depth()),
                (true, true) | (false, false) => {}
            }
            new.map_or(Change::Remove(path.as_bytes()), Change::Put)
        });
        let changes = changes.collect();

        self.buckets
            .edit(changes, |path| keys::hash(path, edit.seed()));
    }
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self {
            depths: Depths::default(),
            buckets: SharedTable::default(),
        }
    }
}

/// The matches that ask for the very same path.
#[derive(Clone, Debug)]
struct Bucket<T> {
    path: Text,
    candidates: Candidates<T>,
}

/// In the order in which they are asked.
#[derive(Clone, Debug)]
enum Candidates<T> {
    // Most paths have one match. It lies beside the path, to be found at once.
    One(Candidate<T>),
    Several(Arc<[Candidate<T>]>),
}

impl<T> Bucket<T> {
    #[inline]
    fn choose(&self, head: &RequestHead<'_>) -> Option<&Candidate<T>> {
        self.candidates()
            .iter()
            .find(|candidate| candidate.holds(head))
    }

    #[inline]
    fn candidates(&self) -> &[Candidate<T>] {
        match &self.candidates {
            Candidates::One(candidate) => std::slice::from_ref(candidate),
            Candidates::Several(candidates) => candidates,
        }
    }
}

impl<T: Clone> Bucket<T> {
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
        let last = candidates.pop()?;

        Some(Self {
            path: path.into(),
            candidates: if candidates.is_empty() {
                Candidates::One(last)
            } else {
                candidates.push(last);
                Candidates::Several(candidates.into())
            },
        })
    }
}

impl<T> Keyed for Bucket<T> {
    #[inline]
    fn key(&self) -> &[u8] {
        self.path.as_bytes()
    }
}

/// The paths whose matches change, with the matches that are new.
struct Changes<'a, T> {
    exact: HashMap<&'a Arc<str>, Vec<Candidate<T>>>,
    prefix: HashMap<&'a Arc<str>, Vec<Candidate<T>>>,
    regexes: Option<Vec<regexes::Entry<T>>>,
}

impl<'a, T: Clone> Changes<'a, T> {
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
            let Some(candidate) = Candidate::new(entry, rule, index, condition) else {
                continue;
            };

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_one_match_is_as_large_as_a_cache_line() {
        assert_eq!(size_of::<Bucket<Arc<()>>>(), 64);
    }
}
