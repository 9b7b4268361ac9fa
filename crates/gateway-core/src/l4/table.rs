//! What a TCP listener does with connections.

use std::sync::Arc;

use super::{Connection, Policed};
use crate::model::{Listener, PolicySet, Protocol, StreamRoute, StreamRouteKind};
use crate::stack::Assembler;

/// What is done with the connections of one address that are taken as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamTable {
    route: Option<Arc<StreamRoute>>,
    /// Of the listener.
    policies: Vec<Arc<PolicySet>>,
    served: Option<Policed<Connection>>,
}

impl StreamTable {
    /// The table for `listeners`, if the first of them is a TCP listener. What did not
    /// change since `before` is kept.
    ///
    /// One connection has nothing to tell listeners apart by, so that the others
    /// are for whoever reads configurations to refuse.
    pub(crate) fn updated(
        before: Option<&Self>,
        listeners: &[Arc<Listener>],
        assembler: &Assembler,
    ) -> Option<Self> {
        let listener = listeners.first()?;
        if *listener.protocol() != Protocol::Tcp {
            return None;
        }
        let route = oldest(listener, StreamRouteKind::Tcp);
        let is_same = |before: &&Self| {
            before.route.as_ref() == route && before.policies == listener.policies()
        };
        if let Some(before) = before.filter(is_same) {
            return Some(before.clone());
        }
        Some(Self {
            served: route.and_then(|route| assembler.connections(listener, route)),
            route: route.cloned(),
            policies: listener.policies().to_vec(),
        })
    }

    /// Everything that happens to a connection; without it, it is closed.
    pub(crate) fn served(&self) -> Option<&Policed<Connection>> {
        self.served.as_ref()
    }
}

/// The route that wins where nothing but age tells them apart; then the name does.
pub(super) fn oldest(listener: &Listener, kind: StreamRouteKind) -> Option<&Arc<StreamRoute>> {
    listener
        .stream_routes()
        .iter()
        .filter(|route| route.kind() == kind)
        .min_by(|one, other| (one.created(), one.name()).cmp(&(other.created(), other.name())))
}
