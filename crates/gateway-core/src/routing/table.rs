//! The routes of one listener.

use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::RequestHead;
use super::candidate::{EVERY_PATH, Entry};
use super::hosts::HostIndex;
use super::keys::PathKeys;
use super::list::SharedList;
use super::paths::PathTable;
use super::update;
use crate::model::{Hostname, PathMatch, Route};

/// The routes of one listener, and what their rules lead to.
///
/// Cheap to clone; clones are the same table.
pub struct RouteTable<T> {
    routes: Arc<Routes<T>>,
}

pub(super) struct Routes<T> {
    /// The hostname of the listener. Routes that have no host in common with it
    /// are listed, but not in the index.
    pub(super) scope: Option<Hostname>,
    /// In the listener's order.
    pub(super) list: SharedList<Listed<T>>,
    pub(super) hosts: HostIndex<Arc<PathTable<T>>>,
    pub(super) seed: RandomState,
}

/// A route as it was given last, and as it is kept: an equal one, given later,
/// does not replace what is kept.
pub(super) struct Listed<T> {
    pub(super) given: Arc<Route>,
    pub(super) entry: Arc<Entry<T>>,
}

impl<T: Clone> RouteTable<T> {
    /// A table of `routes`, in the order of the listener's list.
    ///
    /// What the rules of a route lead to is taken from this table if it has the
    /// very same route or an equal one; otherwise `assemble` says it for each rule
    /// of the route. So `T` may depend on the route and on nothing else. Start
    /// from [`RouteTable::empty`] to have everything assembled again.
    ///
    /// Every match of a rule has a clone of what the rule leads to, where a look-up
    /// finds it at once: `T` should be a pointer, such as an `Arc`.
    #[must_use]
    pub fn updated(
        &self,
        routes: &[Arc<Route>],
        assemble: &mut dyn FnMut(&Arc<Route>, usize) -> T,
    ) -> Self {
        self.updated_within(None, routes, assemble)
    }

    /// As [`RouteTable::updated`], for a listener with that hostname.
    pub(super) fn updated_within(
        &self,
        scope: Option<&Hostname>,
        routes: &[Arc<Route>],
        assemble: &mut dyn FnMut(&Arc<Route>, usize) -> T,
    ) -> Self {
        Self {
            routes: Arc::new(update::updated(&self.routes, scope, routes, assemble)),
        }
    }
}

impl<T> RouteTable<T> {
    /// A table without routes.
    #[must_use]
    pub fn empty() -> Self {
        let seed = RandomState::default();

        Self {
            routes: Arc::new(Routes {
                scope: None,
                list: SharedList::default(),
                hosts: HostIndex::new(seed.clone()),
                seed,
            }),
        }
    }

    /// The rule that a request belongs to.
    #[inline]
    pub fn find(&self, head: &RequestHead<'_>) -> Option<Match<'_, T>> {
        let keys = PathKeys::new(head.path, &self.routes.seed);

        self.routes
            .hosts
            .find_map(head.host, |table| table.find(&keys, head))
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &Routes<T> {
        &self.routes
    }

    /// The routes, as they were given.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.list.iter().map(|listed| &listed.given)
    }
}

impl<T> Clone for RouteTable<T> {
    fn clone(&self) -> Self {
        Self {
            routes: Arc::clone(&self.routes),
        }
    }
}

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> fmt::Debug for RouteTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteTable")
            .field("routes", &self.routes.list.len())
            .field("hostnames", &self.routes.hosts.len())
            .finish_non_exhaustive()
    }
}

impl<T> Clone for Listed<T> {
    // By hand, because `T` need not be `Clone`.
    fn clone(&self) -> Self {
        Self {
            given: Arc::clone(&self.given),
            entry: Arc::clone(&self.entry),
        }
    }
}

/// The rule that a request belongs to, and why.
#[derive(Debug)]
pub struct Match<'a, T> {
    /// What the rule leads to.
    pub rule: &'a T,
    /// Its route.
    pub route: &'a Arc<Route>,
    /// The place of the rule in the route.
    pub rule_index: usize,
    /// The place of the match in the rule; 0 for a rule without matches.
    pub match_index: usize,
}

impl<'a, T> Match<'a, T> {
    /// The prefix that matched, without a trailing `/`: empty for `/`. None if it
    /// was not a prefix that matched.
    pub fn matched_prefix(&self) -> Option<&'a Arc<str>> {
        let matches = self.route.rules().get(self.rule_index)?.matches();
        let path = match matches.is_empty() {
            true => &*EVERY_PATH,
            false => matches.get(self.match_index)?.path_match(),
        };

        match path {
            PathMatch::Prefix(prefix) => Some(prefix),
            PathMatch::Exact(_) | PathMatch::Regex(_) => None,
        }
    }
}

impl<T> Clone for Match<'_, T> {
    // By hand, because `T` need not be `Clone`.
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Match<'_, T> {}
