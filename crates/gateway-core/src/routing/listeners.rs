//! The listeners that share an address and a port.

use std::collections::HashMap;
use std::fmt;
use std::mem::discriminant;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::RequestHead;
use super::hosts::HostIndex;
use super::table::{Match, RouteTable};
use crate::model::{Listener, Route};

/// Listeners on one address and port, told apart by hostname.
///
/// Cheap to clone; clones are the same table.
pub struct ListenerTable<T> {
    listeners: Arc<Listeners<T>>,
}

struct Listeners<T> {
    list: Vec<Attached<T>>,
    // Places in the list.
    hosts: HostIndex<usize>,
}

/// A listener with its routes.
struct Attached<T> {
    listener: Arc<Listener>,
    routes: RouteTable<T>,
}

impl<T: Clone> ListenerTable<T> {
    /// A table of `listeners`. Of two for one hostname the first gets the requests.
    ///
    /// What rules lead to is kept as [`RouteTable::updated`] says, listener by
    /// listener: from the one of that name, port, protocol and policies. So `T` may
    /// depend on these and on the route, and on nothing else. Nothing is assembled for
    /// a route that has no host in common with its listener.
    #[must_use]
    pub fn updated(&self, listeners: &[Arc<Listener>], assemble: Assemble<'_, T>) -> Self {
        let mut known: Vec<_> = self.listeners.list.iter().collect();
        let mut list = Vec::with_capacity(listeners.len());
        let mut places = HashMap::new();

        for (place, listener) in listeners.iter().enumerate() {
            let old = take_known(&mut known, listener);
            list.push(Attached::new(old, listener, assemble));
            places.entry(listener.hostname()).or_insert(Some(place));
        }

        let mut hosts = HostIndex::new(RandomState::default());
        hosts.edit(places);

        Self {
            listeners: Arc::new(Listeners { list, hosts }),
        }
    }
}

impl<T> ListenerTable<T> {
    /// A table without listeners.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            listeners: Arc::new(Listeners {
                list: Vec::new(),
                hosts: HostIndex::new(RandomState::default()),
            }),
        }
    }

    /// The listener and the rule that a request belongs to.
    #[inline]
    pub fn find(&self, head: &RequestHead<'_>) -> Found<'_, T> {
        match self.find_placed(head) {
            Some((_, listener, Some(matched))) => Found::Rule { listener, matched },
            Some((_, listener, None)) => Found::NoRoute(listener),
            None => Found::NoListener,
        }
    }

    /// As [`ListenerTable::find`], with the place of the listener among those that the
    /// table was made of.
    #[inline]
    pub(crate) fn find_placed(&self, head: &RequestHead<'_>) -> Option<Placed<'_, T>> {
        let place = self.place(head.host)?;
        let attached = self.listeners.list.get(place)?;

        Some((place, &attached.listener, attached.routes.find(head)))
    }

    /// The listener that gets requests for `host`.
    pub fn listener(&self, host: &str) -> Option<&Arc<Listener>> {
        let attached = self.listeners.list.get(self.place(host)?)?;

        Some(&attached.listener)
    }

    /// The listeners with their routes, in the order in which they were given.
    pub fn listeners(&self) -> impl ExactSizeIterator<Item = (&Arc<Listener>, &RouteTable<T>)> {
        self.listeners
            .list
            .iter()
            .map(|attached| (&attached.listener, &attached.routes))
    }

    fn place(&self, host: &str) -> Option<usize> {
        self.listeners.hosts.find_map(host, |place| Some(*place))
    }
}

impl<T: Clone> Attached<T> {
    fn new(old: Option<&Self>, listener: &Arc<Listener>, assemble: Assemble<'_, T>) -> Self {
        if let Some(old) = old.filter(|old| Arc::ptr_eq(&old.listener, listener)) {
            return old.clone();
        }
        let assemble = &mut |route: &Arc<Route>, rule| assemble(listener, route, rule);
        let old = old.filter(|old| old.listener.policies() == listener.policies());
        let old = old.map(|old| old.routes.clone()).unwrap_or_default();

        Self {
            listener: Arc::clone(listener),
            routes: old.updated_within(listener.hostname(), listener.routes(), assemble),
        }
    }
}

impl<T> Clone for Attached<T> {
    // By hand, because `T` need not be `Clone`.
    fn clone(&self) -> Self {
        Self {
            listener: Arc::clone(&self.listener),
            routes: self.routes.clone(),
        }
    }
}

impl<T> Clone for ListenerTable<T> {
    fn clone(&self) -> Self {
        Self {
            listeners: Arc::clone(&self.listeners),
        }
    }
}

impl<T> Default for ListenerTable<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> fmt::Debug for ListenerTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.listeners()
                    .map(|(listener, routes)| (listener.name(), routes)),
            )
            .finish()
    }
}

/// A listener at its place, and the rule, if one matches.
type Placed<'a, T> = (usize, &'a Arc<Listener>, Option<Match<'a, T>>);

type Assemble<'a, T> = &'a mut dyn FnMut(&Arc<Listener>, &Arc<Route>, usize) -> T;

/// Where a request goes. Complete: there is no fourth case.
#[derive(Debug)]
pub enum Found<'a, T> {
    /// To a rule.
    Rule {
        /// The listener.
        listener: &'a Arc<Listener>,
        /// The rule.
        matched: Match<'a, T>,
    },
    /// To a listener none of whose routes wants it.
    NoRoute(&'a Arc<Listener>),
    /// Nowhere: no listener serves the hostname.
    NoListener,
}

/// The listener that `new` replaces. Each is taken once, because listeners of
/// different objects may be namesakes.
fn take_known<'a, T>(
    known: &mut Vec<&'a Attached<T>>,
    new: &Arc<Listener>,
) -> Option<&'a Attached<T>> {
    // A listener whose certificates changed is the same listener.
    let is_same = |old: &Listener| {
        old.name() == new.name()
            && old.port() == new.port()
            && discriminant(old.protocol()) == discriminant(new.protocol())
    };
    let place = known
        .iter()
        .position(|old| Arc::ptr_eq(&old.listener, new))
        .or_else(|| known.iter().position(|old| is_same(&old.listener)))?;

    Some(known.remove(place))
}
