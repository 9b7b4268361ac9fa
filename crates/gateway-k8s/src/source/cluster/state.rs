//! What is known, and what each event makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kinds::Watched;
use super::object::Seen;
use super::progress::{Change, Followed, Phase, Scope};
use super::reading::{ObjectProblem, Reading, WatchedKind};
use crate::status::{Observed, Statuses};
use crate::world::{ObjectRef, World};

/// What is known of a cluster.
///
/// Every change says whether it made a difference, so that nobody is woken for what
/// made none.
#[derive(Debug)]
pub(super) struct State {
    pub(super) world: World,
    statuses: Statuses,
    problems: BTreeMap<ObjectRef, ObjectProblem>,
    /// One for each of [`Watched::all`].
    kinds: Vec<Followed>,
    bundle_versions: Vec<String>,
    /// Whether it is known which kinds are installed.
    is_discovered: bool,
    /// Whether the world may be served. Never taken back.
    pub(super) is_complete: bool,
}

/// The objects of a list, until it is complete.
#[derive(Debug, Default)]
pub(super) struct Staged {
    names: BTreeSet<ObjectRef>,
    /// Those that are not as they are known.
    different: Vec<Seen>,
}

impl Staged {
    /// Notes an object that was listed.
    pub(super) fn add(&mut self, seen: Seen, state: &State) {
        self.names.insert(seen.name.clone());
        if !state.knows(&seen) {
            self.different.push(seen);
        }
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            world: World::default(),
            statuses: Statuses::default(),
            problems: BTreeMap::new(),
            kinds: Watched::all().iter().map(|_| Followed::default()).collect(),
            bundle_versions: Vec::new(),
            is_discovered: false,
            is_complete: false,
        }
    }

    /// An object was made or changed.
    pub(super) fn put(&mut self, watched: &Watched, seen: Seen) -> bool {
        if self.is_outdated(&seen) || self.knows(&seen) {
            return false;
        }
        self.take(watched, seen);
        true
    }

    /// An object is gone.
    pub(super) fn remove(&mut self, watched: &Watched, name: &ObjectRef) -> bool {
        let was_there = watched.reader.remove(&mut self.world, name);
        let had_problem = self.problems.remove(name).is_some();
        let had_status = self.statuses.get(name).is_some();
        if had_status {
            self.statuses.remove(name);
        }
        was_there || had_problem || had_status
    }

    /// A list is complete: what is not in it is gone.
    pub(super) fn swap(
        &mut self,
        kind: usize,
        scope: usize,
        place: Place<'_>,
        staged: Staged,
    ) -> bool {
        let watched = &Watched::all()[kind];
        let mut is_different = !staged.different.is_empty();
        for name in self.names(watched, place) {
            if !staged.names.contains(&name) {
                is_different |= self.remove(watched, &name);
            }
        }
        for seen in staged.different {
            self.take(watched, seen);
        }
        let scope = self.kinds[kind].scopes.get_mut(scope);
        if let Some(scope) = scope.filter(|scope| !scope.is_listed) {
            scope.is_listed = true;
            is_different = true;
        }
        is_different
    }

    /// How following goes for one kind and place.
    pub(super) fn set_phase(&mut self, kind: usize, scope: usize, phase: Phase) -> Change {
        let scope = self.kinds[kind].scopes.get_mut(scope);
        scope.map_or(Change::None, |scope| scope.set_phase(phase))
    }

    /// A kind is followed in this version from now on. What is known of it stays.
    pub(super) fn follow(&mut self, kind: usize, version: &Arc<str>, scopes: usize) {
        let followed = &mut self.kinds[kind];
        followed.version = Some(Arc::clone(version));
        followed.scopes.resize(scopes, Scope::default());
    }

    /// The cluster does not have the kind any more, nor any object of it.
    pub(super) fn forget(&mut self, kind: usize) {
        let watched = &Watched::all()[kind];
        for name in self.names(watched, None) {
            self.remove(watched, &name);
        }
        self.kinds[kind] = Followed::default();
    }

    /// It is known which kinds are installed.
    pub(super) fn set_discovered(&mut self) -> bool {
        !std::mem::replace(&mut self.is_discovered, true)
    }

    pub(super) fn set_bundle_versions(&mut self, versions: Vec<String>) -> bool {
        let is_different = self.bundle_versions != versions;
        self.bundle_versions = versions;
        is_different
    }

    /// Whether everything was listed.
    pub(super) fn is_listed(&self) -> bool {
        self.is_discovered && self.scopes().all(|scope| scope.is_listed)
    }

    /// Whether everything was listed that may be.
    pub(super) fn is_whole(&self) -> bool {
        let mut scopes = self.scopes();
        self.is_discovered && scopes.all(|scope| scope.is_listed || scope.is_refused())
    }

    /// Whether nothing is to be waited for but what cannot be had, while the API
    /// server is there for something else.
    pub(super) fn is_stuck(&self) -> bool {
        let is_retrying = |scope: &Scope| scope.phase != Phase::Well;
        let goes_well = |scope: &Scope| scope.is_listed && !is_retrying(scope);
        self.is_discovered
            && self.scopes().any(goes_well)
            && self
                .scopes()
                .all(|scope| scope.is_listed || is_retrying(scope))
    }

    /// How watching goes, of each kind.
    pub(super) fn kinds(&self) -> Vec<WatchedKind> {
        let kinds = Watched::all().iter().zip(&self.kinds);
        let kinds = kinds.map(|(watched, followed)| WatchedKind {
            group: watched.group.clone(),
            kind: watched.kind.clone(),
            version: followed.version.as_deref().map(str::to_owned),
            state: followed.state(),
        });
        kinds.collect()
    }

    pub(super) fn reading(&self) -> Reading {
        Reading {
            world: self.world.clone(),
            statuses: self.statuses.clone(),
            problems: self.problems.values().cloned().collect(),
            kinds: self.kinds(),
            bundle_versions: self.bundle_versions.clone(),
            is_complete: self.is_complete,
            is_whole: self.is_whole(),
        }
    }

    /// Takes in what is not known yet.
    fn take(&mut self, watched: &Watched, seen: Seen) {
        let Seen {
            name,
            uid,
            observed,
            object,
        } = seen;
        match object {
            Ok(object) => {
                self.problems.remove(&name);
                // What is equal stays the very same.
                if !object.is_in(&self.world) {
                    object.put(&mut self.world);
                }
            }
            Err(problem) => {
                // What it replaces is no earlier writing of it.
                let before = (watched.uid)(&self.world, &name.namespace, &name.name);
                if before.is_some_and(|before| before != &*uid) {
                    watched.reader.remove(&mut self.world, &name);
                }
                self.problems.insert(name, problem);
            }
        }
        if let Some(observed) = observed.filter(|observed| !self.has_observed(observed)) {
            self.statuses.insert(observed);
        }
    }

    fn knows(&self, seen: &Seen) -> bool {
        let is_known = match &seen.object {
            Ok(object) => !self.problems.contains_key(&seen.name) && object.is_in(&self.world),
            Err(problem) => self.problems.get(&seen.name) == Some(problem),
        };
        is_known
            && seen
                .observed
                .as_ref()
                .is_none_or(|observed| self.has_observed(observed))
    }

    fn has_observed(&self, observed: &Observed) -> bool {
        let known = self.statuses.get(&observed.object);
        known.is_some_and(|known| **known == *observed)
    }

    /// Whether something newer of the same object is known.
    fn is_outdated(&self, seen: &Seen) -> bool {
        let number = |observed: &Observed| observed.resource_version.parse::<u128>().ok();
        let Some(now) = &seen.observed else {
            return false;
        };
        let known = self
            .statuses
            .get(&seen.name)
            .filter(|known| known.uid == now.uid);
        known.is_some_and(|known| number(known) > number(now))
    }

    /// The objects of a kind that are known in some place, readable or not.
    fn names(&self, watched: &Watched, place: Place<'_>) -> Vec<ObjectRef> {
        let named = (watched.names)(&self.world, place).into_iter();
        let is_meant = |name: &&ObjectRef| {
            name.kind == watched.kind
                && name.group == watched.group
                && place.is_none_or(|namespace| *name.namespace == *namespace)
        };
        let unreadable = self.problems.keys().filter(is_meant).cloned();
        named.chain(unreadable).collect()
    }

    fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.kinds.iter().flat_map(|kind| &kind.scopes)
    }
}

/// A namespace, or all of them.
pub(super) type Place<'a> = Option<&'a str>;
