//! The backends of a configuration, alive: balancers and the pool.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use gateway_lb::persistence::SessionCarrier;
use gateway_lb::pool::Pool;

use super::live::LiveBackend;
use super::surroundings::Surroundings;
use super::{Chore, UpstreamService};
use crate::Body;
use crate::model::{
    Backend, BackendId, BackendRef, BackendTarget, Configuration, Filter, Policy, Rule,
};

/// Every backend that some rule refers to, whether or not it exists at the moment.
///
/// A backend keeps its identity over changes of the configuration, so that stacks
/// that refer to it need not be built again and its balancer keeps its state.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    surroundings: Arc<Surroundings>,
    known: Arc<Mutex<HashMap<BackendId, Arc<LiveBackend>>>>,
    /// As the last configuration had them.
    configured: Arc<Mutex<Configured>>,
}

type Configured = Arc<BTreeMap<BackendId, Arc<Backend>>>;

impl Backends {
    pub(crate) fn new(pool: Pool<Body>) -> Self {
        Self::within(Surroundings::new(pool))
    }

    pub(crate) fn within(surroundings: Surroundings) -> Self {
        Self {
            surroundings: Arc::new(surroundings),
            known: Arc::default(),
            configured: Arc::default(),
        }
    }

    /// The connections to all of them.
    pub(crate) fn pool(&self) -> &Pool<Body> {
        self.surroundings.pool()
    }

    /// Sends requests to `target`.
    pub(crate) fn service(&self, target: &BackendTarget) -> UpstreamService {
        UpstreamService::new(self.of(target), self.pool().clone())
    }

    /// Sends requests to `target`, those of one session to one endpoint, where the rule has
    /// so many `others` besides.
    pub(crate) fn service_with(
        &self,
        target: &BackendTarget,
        sessions: Option<&SessionCarrier>,
        others: usize,
    ) -> UpstreamService {
        let service = self.service(target);
        let BackendTarget::Backend(id) = target else {
            return service;
        };
        let sessions = sessions.and_then(|carrier| self.surroundings.sessions(carrier, id, others));
        service.with_sessions(sessions)
    }

    /// The backend that is meant by `target`.
    pub(crate) fn of(&self, target: &BackendTarget) -> Arc<LiveBackend> {
        match target {
            BackendTarget::Backend(id) => self.live(id),
            BackendTarget::Invalid(_) => Arc::default(),
        }
    }

    /// Brings every backend to what `configuration` says. Returns what has to be done for
    /// them: names to be looked up.
    ///
    /// To be called before its rules are served, and [`Backends::retire`] afterwards.
    pub(crate) fn update(&self, configuration: &Configuration) -> Vec<Chore> {
        let mut chores = Vec::new();
        let now = Arc::clone(configuration.shared_backends());
        let mut configured = self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *configured, Arc::clone(&now));
        for (id, backend) in differing(&before, &now) {
            let live = self.live(id);
            chores.extend(live.update(id, backend, &self.surroundings));
        }
        if !Arc::ptr_eq(&before, &now) {
            self.surroundings.warmed().replace(self.to_be_warmed(&now));
        }

        chores
    }

    fn to_be_warmed(&self, backends: &Configured) -> Vec<Arc<LiveBackend>> {
        let is_warmed = |backend: &Backend| {
            let connections = backend.traffic().connections();
            connections.is_some_and(|connections| connections.warm() > 0)
        };
        let warmed = backends.iter().filter(|(_, backend)| is_warmed(backend));
        warmed.map(|(id, _)| self.live(id)).collect()
    }

    /// Forgets the backends that `configuration` does not need. Those that are gone but
    /// that rules still refer to lose their endpoints; one that no rule refers to keeps
    /// them, for stacks that were in use before have requests to finish.
    ///
    /// Looks at all rules if a backend is gone, which requests need not wait for.
    pub(crate) fn retire(&self, configuration: &Configuration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let configured = configuration.backends();
        // All that are configured are known.
        if known.len() == configured.len() {
            return;
        }

        let gone = known.keys().filter(|id| !configured.contains_key(*id));
        let gone: Ids<'_> = gone.collect();
        let needed: Ids<'_> = referred(configuration)
            .filter(|id| gone.contains(*id))
            .collect();
        for id in &needed {
            known.get(*id).into_iter().for_each(|live| live.end());
        }
        known.retain(|id, _| configured.contains_key(id) || needed.contains(id));
    }

    fn live(&self, id: &BackendId) -> Arc<LiveBackend> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);

        Arc::clone(known.entry(id.clone()).or_default())
    }
}

/// The backends that are not the same `Arc` as before. Two maps in order are gone
/// through side by side, which costs less than looking each up.
fn differing<'a>(
    before: &'a Configured,
    now: &'a Configured,
) -> impl Iterator<Item = (&'a BackendId, &'a Arc<Backend>)> {
    let all_same = Arc::ptr_eq(before, now);
    let mut before = before.iter().peekable();

    let now = now.iter().filter(move |_| !all_same);
    now.filter(move |(id, backend)| {
        while before.next_if(|(known, _)| known < id).is_some() {}
        let known = before.next_if(|(known, _)| known == id);
        known.is_none_or(|(_, known)| !Arc::ptr_eq(known, backend))
    })
}

type Ids<'a> = HashSet<&'a BackendId, RandomState>;

/// Every backend that some rule or stream route refers to, some more than once.
fn referred(configuration: &Configuration) -> impl Iterator<Item = &BackendId> {
    let gateways = configuration.gateways().iter();
    let listeners = gateways.flat_map(|gateway| gateway.listeners());
    let of_streams = listeners
        .clone()
        .flat_map(|listener| listener.stream_routes())
        .flat_map(|route| route.backends())
        .map(BackendRef::target);
    let sets = listeners
        .clone()
        .flat_map(|listener| listener.policies())
        .flat_map(|set| set.policies());
    let routes = listeners.flat_map(|listener| listener.routes());
    let of_routes = routes.clone().flat_map(|route| route.policies().iter());
    let rules = routes.flat_map(|route| route.rules());

    let asked = sets.chain(of_routes).flat_map(Policy::backends);
    let targets = rules.flat_map(targets).chain(of_streams).chain(asked);
    targets.filter_map(id)
}

fn targets(rule: &Rule) -> impl Iterator<Item = &BackendTarget> {
    let backends = rule.backends().iter();
    let filters = rule
        .filters()
        .iter()
        .chain(backends.clone().flat_map(BackendRef::filters));
    let of_filters = filters.flat_map(|filter| match filter {
        Filter::RequestMirror(mirror) => vec![&mirror.backend],
        Filter::Policy(policy) => policy.backends(),
        Filter::RequestHeaderModifier(_)
        | Filter::ResponseHeaderModifier(_)
        | Filter::RequestRedirect(_)
        | Filter::UrlRewrite(_)
        | Filter::Cors(_)
        | Filter::Extension(_)
        | Filter::Invalid(_) => Vec::new(),
    });
    let asked = rule.policies().iter().flat_map(Policy::backends);

    backends
        .map(BackendRef::target)
        .chain(of_filters)
        .chain(asked)
}

fn id(target: &BackendTarget) -> Option<&BackendId> {
    match target {
        BackendTarget::Backend(id) => Some(id),
        BackendTarget::Invalid(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use gateway_lb::pool::PoolSettings;

    use super::*;
    use crate::model::{Gateway, Listener, Route};

    fn configuration(backends: &[&str], referred: &str) -> Configuration {
        let rule = Rule::new().with_backend(BackendRef::new(referred.into()));
        let listener = Listener::http("l", 80).with_route(Route::new("r").with_rule(rule));
        let configuration =
            Configuration::new().with_gateway(Gateway::new("g").with_listener(listener));

        backends.iter().fold(configuration, |configuration, name| {
            configuration.with_backend(*name, Backend::new([([127, 0, 0, 1], 1).into()]))
        })
    }

    fn follow(backends: &Backends, configuration: &Configuration) {
        backends.update(configuration);
        backends.retire(configuration);
    }

    #[test]
    fn backend_that_rules_lost_is_gone_at_once() {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        follow(&backends, &configuration(&["a"], "a"));
        let live = backends.live(&"a".into());

        follow(&backends, &configuration(&[], "a"));

        assert!(live.active().is_none());
    }

    #[test]
    fn backend_that_no_rule_needs_finishes_what_has_begun() {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        follow(&backends, &configuration(&["a"], "a"));
        let in_flight = backends.live(&"a".into());

        follow(&backends, &configuration(&["b"], "b"));

        assert!(in_flight.active().is_some());
        assert!(!Arc::ptr_eq(&in_flight, &backends.live(&"a".into())));
    }
}
