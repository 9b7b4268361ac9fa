//! From one table to the next.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::candidate::{Candidate, Entry};
use super::hosts::HostIndex;
use super::list::SharedList;
use super::paths::PathTable;
use super::table::{Listed, Routes};
use crate::model::{Hostname, ObjectName, Route};

/// The table of `routes`, taking from `old` what is the same.
pub(super) fn updated<T: Clone>(
    old: &Routes<T>,
    scope: Option<&Hostname>,
    routes: &[Arc<Route>],
    assemble: &mut dyn FnMut(&Arc<Route>, usize) -> T,
) -> Routes<T> {
    let same_scope = old.scope.as_ref() == scope;
    let ends = if same_scope {
        common_ends(&old.list, routes)
    } else {
        (0, 0)
    };
    let mut difference = Difference::new(&old.list, routes, ends, Assembly { scope, assemble });
    let mut hosts = old.hosts.clone();
    if !same_scope {
        hosts = HostIndex::new(old.seed.clone());
        difference.start_afresh();
    }

    let edit = Edit::new(&difference, &old.seed);
    let changes = changes_by_host(&difference, scope).into_iter();
    let tables: Vec<_> = changes
        .map(|(name, change)| {
            let mut table = hosts
                .get(name)
                .map_or_else(PathTable::default, |table| PathTable::clone(table));
            table.edit(&change.removed, &change.added, &edit);
            (name, (!table.is_empty()).then(|| Arc::new(table)))
        })
        .collect();
    hosts.edit(tables);

    Routes {
        scope: scope.cloned(),
        list: difference.list,
        hosts,
        seed: old.seed.clone(),
    }
}

/// What the tables of the hostnames have to know of an update.
pub(super) struct Edit<'a, T> {
    removed: HashSet<*const Entry<T>>,
    list: &'a SharedList<Listed<T>>,
    positions: OnceCell<HashMap<*const Entry<T>, usize>>,
    seed: &'a RandomState,
}

impl<'a, T> Edit<'a, T> {
    fn new(difference: &'a Difference<T>, seed: &'a RandomState) -> Self {
        Self {
            removed: difference.removed.iter().map(Arc::as_ptr).collect(),
            list: &difference.list,
            positions: OnceCell::new(),
            seed,
        }
    }

    /// Whether the route of `candidate` is no longer there, or is added again.
    pub(super) fn removes(&self, candidate: &Candidate<T>) -> bool {
        self.removed.contains(&candidate.entry())
    }

    /// Which of two candidates for one path is asked first.
    pub(super) fn order(&self, a: &Candidate<T>, b: &Candidate<T>) -> Ordering {
        a.order(b, |entry| {
            let positions = self.positions.get_or_init(|| {
                let entries = self.list.iter().map(|listed| Arc::as_ptr(&listed.entry));
                entries.zip(0..).collect()
            });

            positions.get(&entry).copied().unwrap_or(usize::MAX)
        })
    }

    /// How hashes of paths begin.
    pub(super) fn seed(&self) -> &'a RandomState {
        self.seed
    }
}

/// The new list, and the routes whose matches are taken out of the index and put
/// into it.
struct Difference<T> {
    list: SharedList<Listed<T>>,
    removed: Vec<Arc<Entry<T>>>,
    added: Vec<Arc<Entry<T>>>,
}

impl<T> Difference<T> {
    /// Compares what is between the `ends` that both lists have in common.
    fn new(
        old: &SharedList<Listed<T>>,
        new: &[Arc<Route>],
        (head, tail): (usize, usize),
        mut assembly: Assembly<'_, T>,
    ) -> Self {
        let between = old.iter().skip(head).take(old.len() - head - tail);
        let mut known = Known::new(between);
        let mut middle = Vec::new();
        let mut added = Vec::new();

        for given in &new[head..new.len() - tail] {
            let entry = known.take(given, &assembly).unwrap_or_else(|| {
                let entry = assembly.entry(given);
                added.push(Arc::clone(&entry));
                entry
            });

            middle.push(Listed {
                given: Arc::clone(given),
                entry,
            });
        }

        let mut removed = Vec::new();
        for Group { left, kept } in known.groups.into_values() {
            removed.extend(left.iter().map(|listed| Arc::clone(&listed.entry)));
            // Of namesakes of one age the place in the list decides, so their
            // matches have to be put in order again.
            if kept.len() > 1 {
                removed.extend_from_slice(&kept);
                added.extend(kept);
            }
        }

        Self {
            list: old.spliced(head, &middle, tail),
            removed,
            added,
        }
    }

    /// Puts every route into an index that is empty.
    fn start_afresh(&mut self) {
        let every = self.list.iter().map(|listed| Arc::clone(&listed.entry));

        self.added = every.collect();
        self.removed.clear();
    }
}

/// The routes of the old list that may be kept.
struct Known<'a, T> {
    groups: HashMap<&'a ObjectName, Group<'a, T>>,
}

/// Those of one name: usually one, but routes of different kinds may be namesakes.
struct Group<'a, T> {
    left: Vec<&'a Listed<T>>,
    kept: Vec<Arc<Entry<T>>>,
}

impl<'a, T> Known<'a, T> {
    fn new(old: impl Iterator<Item = &'a Listed<T>>) -> Self {
        let mut groups = HashMap::<_, Group<'a, T>>::new();
        for listed in old {
            let group = groups.entry(listed.given.name()).or_insert_with(|| Group {
                left: Vec::new(),
                kept: Vec::new(),
            });
            group.left.push(listed);
        }

        Self { groups }
    }

    /// The very same route or else an equal one, if what its rules lead to is
    /// known. Each is taken once.
    fn take(&mut self, given: &Arc<Route>, assembly: &Assembly<'_, T>) -> Option<Arc<Entry<T>>> {
        let group = self.groups.get_mut(given.name())?;
        let same = group
            .left
            .iter()
            .position(|listed| Arc::ptr_eq(&listed.given, given))
            .or_else(|| group.left.iter().position(|listed| listed.given == *given))?;
        if !assembly.is_done(&group.left[same].entry) {
            return None;
        }

        let entry = Arc::clone(&group.left.remove(same).entry);
        group.kept.push(Arc::clone(&entry));
        Some(entry)
    }
}

/// Makes entries for routes that are not known.
struct Assembly<'a, T> {
    scope: Option<&'a Hostname>,
    assemble: &'a mut dyn FnMut(&Arc<Route>, usize) -> T,
}

impl<T> Assembly<'_, T> {
    fn entry(&mut self, route: &Arc<Route>) -> Arc<Entry<T>> {
        // Nothing is assembled for rules that no request can reach.
        let reachable = if is_reachable(route, self.scope) {
            route.rules().len()
        } else {
            0
        };
        let targets = (0..reachable).map(|rule| (self.assemble)(route, rule));

        Arc::new(Entry {
            targets: targets.collect(),
            route: Arc::clone(route),
        })
    }

    fn is_done(&self, entry: &Entry<T>) -> bool {
        entry.targets.as_slice().len() == entry.route.rules().len()
            || !is_reachable(&entry.route, self.scope)
    }
}

/// What changes for one hostname.
struct HostChange<T> {
    removed: Vec<Arc<Entry<T>>>,
    added: Vec<Arc<Entry<T>>>,
}

fn changes_by_host<'a, T>(
    difference: &'a Difference<T>,
    scope: Option<&Hostname>,
) -> HashMap<Option<&'a Hostname>, HostChange<T>> {
    let mut changes = HashMap::<_, HostChange<T>>::new();
    let mut note = |entries: &'a [Arc<Entry<T>>], side: fn(&mut HostChange<T>) -> &mut Vec<_>| {
        for entry in entries {
            for name in hostnames(&entry.route, scope) {
                let change = changes.entry(name).or_insert_with(|| HostChange {
                    removed: Vec::new(),
                    added: Vec::new(),
                });
                let list = side(change);
                // A hostname may be written twice.
                if list.last().is_none_or(|last| !Arc::ptr_eq(last, entry)) {
                    list.push(Arc::clone(entry));
                }
            }
        }
    };

    note(&difference.removed, |change| &mut change.removed);
    note(&difference.added, |change| &mut change.added);
    changes
}

/// The hostnames under which a route is found; none stands for every host.
fn hostnames<'a>(
    route: &'a Route,
    scope: Option<&Hostname>,
) -> impl Iterator<Item = Option<&'a Hostname>> {
    let every_host = route.hostnames().is_empty().then_some(None);
    let own = route.hostnames().iter();

    every_host
        .into_iter()
        .chain(own.filter(move |own| intersects(own, scope)).map(Some))
}

fn is_reachable(route: &Route, scope: Option<&Hostname>) -> bool {
    hostnames(route, scope).next().is_some()
}

fn intersects(hostname: &Hostname, scope: Option<&Hostname>) -> bool {
    scope.is_none_or(|scope| scope.intersects(hostname))
}

/// How many routes are the very same from the start on, and how many more from
/// the end on.
fn common_ends<T>(old: &SharedList<Listed<T>>, new: &[Arc<Route>]) -> (usize, usize) {
    let same = |(old, new): &(&Listed<T>, &Arc<Route>)| Arc::ptr_eq(&old.given, new);
    let head = old.iter().zip(new).take_while(same).count();
    let ends = old.iter().rev().zip(new.iter().rev());
    let tail = ends
        .take(old.len().min(new.len()) - head)
        .take_while(same)
        .count();

    (head, tail)
}
