//! What requests at an address find.

use std::sync::Arc;

use crate::model::{Listener, Route};
use crate::routing::{ListenerTable, Match, RequestHead};
use crate::stack::{Assembler, LiveRule};

/// The listeners of one address with the stacks of their rules.
#[derive(Debug, Default)]
pub(crate) struct LiveTable {
    rules: ListenerTable<Arc<LiveRule>>,
    /// What becomes of requests that no route wants, by the place of the listener: none where
    /// it has no policies.
    unrouted: Box<[Option<Arc<LiveRule>>]>,
}

/// A listener with what it has for a request.
pub(crate) struct Place<'a> {
    /// Which one of the address's listeners it is.
    pub(crate) index: usize,
    pub(crate) listener: &'a Arc<Listener>,
    /// The rule that wants the request.
    pub(crate) matched: Option<Match<'a, Arc<LiveRule>>>,
    /// The stack of requests that no route wants, where there is one.
    pub(crate) unrouted: Option<&'a Arc<LiveRule>>,
}

impl LiveTable {
    /// A table of `listeners`, which has of this one what has not changed.
    pub(crate) fn updated(&self, listeners: &[Arc<Listener>], assembler: &Assembler) -> Self {
        let assemble = &mut |listener: &Arc<Listener>, route: &Arc<Route>, rule| {
            Arc::new(assembler.assemble(listener, route, rule))
        };
        let rules = self.rules.updated(listeners, assemble);
        let mut before = self.rules.listeners().zip(&self.unrouted);
        let unrouted = listeners.iter().map(|listener| {
            let known = before
                .next()
                .filter(|((known, _), _)| Arc::ptr_eq(known, listener));
            match known {
                Some((_, known)) => known.clone(),
                None => assembler.unrouted(listener).map(Arc::new),
            }
        });

        Self {
            unrouted: unrouted.collect(),
            rules,
        }
    }

    /// The listener that a request belongs to, if one serves its host.
    pub(crate) fn find(&self, head: &RequestHead<'_>) -> Option<Place<'_>> {
        let (index, listener, matched) = self.rules.find_placed(head)?;
        let unrouted = self.unrouted.get(index).and_then(Option::as_ref);

        Some(Place {
            index,
            listener,
            matched,
            unrouted,
        })
    }
}
