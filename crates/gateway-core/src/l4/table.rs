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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gateway_filters::{Csrf, RateLimit};
    use gateway_lb::pool::{Pool, PoolSettings};

    use super::*;
    use crate::l4::StreamLayers;
    use crate::model::Policy;
    use crate::stack::{Backends, Extensions};

    fn assembler() -> Assembler {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        Assembler::new(backends, Extensions::default(), StreamLayers::default())
    }

    /// One TCP listener with one route, whose policies are these.
    fn table(
        before: Option<&StreamTable>,
        of_listener: &[Policy],
        of_route: &[Policy],
        assembler: &Assembler,
    ) -> StreamTable {
        let route = StreamRoute::new(StreamRouteKind::Tcp, "route");
        let route = of_route
            .iter()
            .cloned()
            .fold(route, StreamRoute::with_policy);
        let listener = Listener::new("tcp", 0, Protocol::Tcp).with_stream_route(route);
        let set = PolicySet::new("edge");
        let set = of_listener.iter().cloned().fold(set, PolicySet::with);
        let listener = Arc::new(listener.with_policies(set));
        StreamTable::updated(before, &[listener], assembler).unwrap()
    }

    fn limit(connections: u32) -> Policy {
        let limit = RateLimit::new(connections, Duration::from_secs(60));
        Policy::RateLimit(Arc::new(limit.unwrap()))
    }

    /// How many of a hundred connections get in.
    fn enter(table: &StreamTable) -> usize {
        let served = table.served().unwrap();
        let client = [192, 0, 2, 1].into();
        (0..100).filter(|_| served.admit(client).is_ok()).count()
    }

    #[test]
    fn limits_of_listener_and_route_both_count_and_are_kept() {
        let assembler = assembler();
        let before = table(None, &[limit(7)], &[limit(5)], &assembler);
        assert_eq!(enter(&before), 5);

        let after = table(Some(&before), &[limit(7)], &[limit(6)], &assembler);
        // Those that the route's limit refused were counted by the listener's.
        assert_eq!(enter(&after), 0);
        let after = table(Some(&after), &[limit(8)], &[limit(6)], &assembler);
        assert_eq!(enter(&after), 6);
    }

    #[test]
    fn route_without_policies_is_asked_nothing() {
        let table = table(None, &[], &[], &assembler());

        assert!(table.served().unwrap().asks_nothing());
    }

    #[test]
    fn policy_that_cannot_hold_leaves_nobody_served() {
        let csrf = [Policy::Csrf(Arc::new(Csrf::new()))];
        let assembler = assembler();

        assert!(table(None, &csrf, &[], &assembler).served().is_none());
        assert!(table(None, &[], &csrf, &assembler).served().is_none());
    }
}
