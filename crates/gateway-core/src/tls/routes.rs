//! The stream routes of one listener, by the name that a client asks for.

use std::sync::Arc;

use super::names::NameIndex;
use crate::l4::{Connection, Policed};
use crate::model::{Listener, PolicySet, Protocol, StreamRoute, StreamRouteKind, TlsMode};
use crate::stack::Assembler;

/// Where the connections of a listener go.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Arc<LiveRoute>>,
    /// Of the listener.
    policies: Vec<Arc<PolicySet>>,
    names: NameIndex<Option<Arc<LiveRoute>>>,
    /// Of the routes without hostnames.
    any: Option<Arc<LiveRoute>>,
}

#[derive(Debug)]
struct LiveRoute {
    route: Arc<StreamRoute>,
    passes_through: bool,
    /// None if its connections are closed.
    served: Option<Policed<Connection>>,
}

impl Routes {
    /// The routes of `listener` that are of one of `kinds`. Of two that are equally
    /// specific, the older one wins; a route's kind comes before its age.
    pub(super) fn new(
        listener: &Listener,
        kinds: &[StreamRouteKind],
        known: &Known<'_>,
        assembler: &Assembler,
    ) -> Self {
        let place = |route: &StreamRoute| kinds.iter().position(|kind| *kind == route.kind());
        let mut list: Vec<_> = listener
            .stream_routes()
            .iter()
            .filter(|route| place(route).is_some())
            .collect();
        list.sort_by(|one, other| {
            let key = |route: &StreamRoute| (place(route), route.created());
            key(one)
                .cmp(&key(other))
                .then_with(|| one.name().cmp(other.name()))
        });

        let passes_through = *listener.protocol() == Protocol::Tls(TlsMode::Passthrough);
        let known = known.under(listener.policies());
        let mut routes = Self {
            policies: listener.policies().to_vec(),
            ..Self::default()
        };
        for route in list {
            routes.add(known.live(route, passes_through).unwrap_or_else(|| {
                Arc::new(LiveRoute {
                    route: Arc::clone(route),
                    passes_through,
                    served: match passes_through {
                        true => assembler.passing_through(listener, route),
                        false => assembler.connections(listener, route),
                    },
                })
            }));
        }
        routes
    }

    /// What happens to connections for `name` (lower case), or for none; nothing if
    /// they are closed.
    pub(crate) fn choose<'a>(&'a self, name: Option<&str>) -> Option<&'a Policed<Connection>> {
        let named = name.and_then(|name| self.names.matching(name).flatten().next());
        named.or(self.any.as_ref())?.served.as_ref()
    }

    fn add(&mut self, live: Arc<LiveRoute>) {
        let hostnames = live.route.hostnames();
        if hostnames.is_empty() {
            self.any.get_or_insert_with(|| Arc::clone(&live));
        }
        for hostname in hostnames {
            self.names
                .entry(hostname.as_str())
                .get_or_insert_with(|| Arc::clone(&live));
        }
        self.list.push(live);
    }
}

/// The routes of a listener as it was before.
#[derive(Debug)]
pub(super) struct Known<'a>(pub(super) Option<&'a Routes>);

impl Known<'_> {
    /// What of it is still of use with these policies of the listener.
    fn under(&self, policies: &[Arc<PolicySet>]) -> Self {
        Self(self.0.filter(|routes| routes.policies == policies))
    }

    /// What was there for an equal route.
    fn live(&self, route: &Arc<StreamRoute>, passes_through: bool) -> Option<Arc<LiveRoute>> {
        let mut known = self.0?.list.iter();
        known
            .find(|live| live.route == *route && live.passes_through == passes_through)
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use gateway_lb::pool::{Pool, PoolSettings};
    use proptest::prelude::*;

    use super::*;
    use crate::l4::StreamLayers;
    use crate::model::Hostname;
    use crate::stack::{Backends, Extensions};

    fn assembler() -> Assembler {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        Assembler::new(backends, Extensions::default(), StreamLayers::default())
    }

    fn route(number: usize, created: u64, hostnames: &[String]) -> StreamRoute {
        let route = StreamRoute::new(StreamRouteKind::Tls, &*format!("ns/route-{number}"));
        hostnames
            .iter()
            .map(|name| Hostname::new(name).unwrap())
            .fold(route.with_created(created), StreamRoute::with_hostname)
    }

    fn routes(of: &[StreamRoute]) -> Routes {
        let listener = Listener::new("tls", 0, Protocol::Tls(TlsMode::Passthrough));
        let listener = of
            .iter()
            .cloned()
            .fold(listener, Listener::with_stream_route);
        Routes::new(
            &listener,
            &[StreamRouteKind::Tls],
            &Known(None),
            &assembler(),
        )
    }

    fn found(routes: &Routes, name: Option<&str>) -> Option<StreamRoute> {
        let found = name.and_then(|name| routes.names.matching(name).flatten().next());
        let live = found.or(routes.any.as_ref())?;
        Some(StreamRoute::clone(&live.route))
    }

    /// Every route asked in turn, as the API describes it.
    fn plain_reading(of: &[StreamRoute], name: Option<&str>) -> Option<StreamRoute> {
        let specificity = |route: &StreamRoute| {
            if route.hostnames().is_empty() {
                return Some((0, 0));
            }
            let matching = route
                .hostnames()
                .iter()
                .filter(|hostname| name.is_some_and(|name| hostname.matches(name)));
            matching
                .map(|hostname| match hostname.is_wildcard() {
                    true => (1, hostname.as_str().len()),
                    false => (2, 0),
                })
                .max()
        };
        let matching = of
            .iter()
            .filter_map(|route| Some((specificity(route)?, route)));
        let best = matching.min_by(|(one, a), (other, b)| {
            let age = |route: &StreamRoute| (route.created(), route.name().clone());
            other.cmp(one).then_with(|| age(a).cmp(&age(b)))
        });
        best.map(|(_, route)| route.clone())
    }

    proptest! {
        /// The most specific hostname wins, then the oldest route.
        #[test]
        fn choice_agrees_with_the_plain_reading(
            hostnames in prop::collection::vec(
                (0..3u64, prop::collection::vec("(\\*\\.)?[ab](\\.[ab]){0,2}", 0..3)),
                0..6,
            ),
            name in prop::option::of("[ab](\\.[ab]){0,3}"),
        ) {
            let of: Vec<_> = hostnames
                .iter()
                .enumerate()
                .map(|(number, (created, hostnames))| route(number, *created, hostnames))
                .collect();

            prop_assert_eq!(
                found(&routes(&of), name.as_deref()),
                plain_reading(&of, name.as_deref())
            );
        }
    }

    #[test]
    fn changed_policies_of_the_listener_make_stacks_anew() {
        let listener = Listener::new("tls", 0, Protocol::Tls(TlsMode::Passthrough))
            .with_stream_route(route(1, 0, &[]));
        let kinds = &[StreamRouteKind::Tls];
        let before = Routes::new(&listener, kinds, &Known(None), &assembler());

        let listener = listener.with_policies(PolicySet::new("edge"));
        let again = Routes::new(&listener, kinds, &Known(Some(&before)), &assembler());

        assert!(!Arc::ptr_eq(&before.list[0], &again.list[0]));
    }

    #[test]
    fn equal_route_keeps_its_stack() {
        let listener = Listener::new("tls", 0, Protocol::Tls(TlsMode::Passthrough))
            .with_stream_route(route(1, 0, &[]));
        let kinds = &[StreamRouteKind::Tls];
        let before = Routes::new(&listener, kinds, &Known(None), &assembler());

        let again = Routes::new(&listener, kinds, &Known(Some(&before)), &assembler());

        assert!(Arc::ptr_eq(&before.list[0], &again.list[0]));
    }
}
