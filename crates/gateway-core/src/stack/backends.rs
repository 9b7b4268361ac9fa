//! The backends of a configuration, alive: balancers and the pool.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use gateway_lb::pool::{Pool, Protocol};
use gateway_lb::{Balancer, EndpointSet};

use super::security::Security;
use super::{Chore, UpstreamService};
use crate::Body;
use crate::model::{
    Backend, BackendId, BackendProtocol, BackendRef, BackendTarget, Configuration, Endpoints,
    Filter, Policy, ProxyVersion, Rule,
};

/// Every backend that some rule refers to, whether or not it exists at the moment.
///
/// A backend keeps its identity over changes of the configuration, so that stacks
/// that refer to it need not be built again and its balancer keeps its state.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    pool: Pool<Body>,
    known: Arc<Mutex<HashMap<BackendId, Arc<LiveBackend>>>>,
    /// As the last configuration had them.
    configured: Arc<Mutex<Configured>>,
}

type Configured = Arc<BTreeMap<BackendId, Arc<Backend>>>;

impl Backends {
    pub(crate) fn new(pool: Pool<Body>) -> Self {
        Self {
            pool,
            known: Arc::default(),
            configured: Arc::default(),
        }
    }

    /// The connections to all of them.
    pub(crate) fn pool(&self) -> &Pool<Body> {
        &self.pool
    }

    /// Sends requests to `target`.
    pub(crate) fn service(&self, target: &BackendTarget) -> UpstreamService {
        UpstreamService::new(self.of(target), self.pool.clone())
    }

    /// The backend that is meant by `target`.
    pub(crate) fn of(&self, target: &BackendTarget) -> Arc<LiveBackend> {
        match target {
            BackendTarget::Backend(id) => self.live(id),
            BackendTarget::Invalid(_) => Arc::default(),
        }
    }

    /// Brings every backend to what `configuration` says, and forgets those that
    /// it does not need. Returns what has to be done for them: names to be looked up.
    pub(crate) fn update(&self, configuration: &Configuration) -> Vec<Chore> {
        let mut chores = Vec::new();
        let now = Arc::clone(configuration.shared_backends());
        let mut configured = self
            .configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *configured, Arc::clone(&now));
        for (id, backend) in differing(&before, &now) {
            if let Some(lookup) = self.live(id).update(backend) {
                chores.push(Chore::new(lookup.follow()));
            }
        }

        self.retire(configuration);
        chores
    }

    /// Takes its endpoints from every backend that rules still refer to but that is
    /// gone. One that no rule refers to keeps them: stacks that were in use before
    /// have requests to finish, and new ones until they are replaced.
    fn retire(&self, configuration: &Configuration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let configured = configuration.backends();
        // All that are configured are known.
        if known.len() == configured.len() {
            return;
        }

        let needed = needed(configuration);
        known.retain(|id, live| {
            let is_configured = configured.contains_key(id);
            let is_needed = needed.contains(id);
            if is_needed && !is_configured {
                live.active.store(None);
            }
            is_configured || is_needed
        });
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

/// Every backend that some rule or stream route refers to.
fn needed(configuration: &Configuration) -> HashSet<&BackendId> {
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
    targets.filter_map(id).collect()
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

/// One backend; without `Active` it is one that the configuration does not have.
#[derive(Debug, Default)]
pub(crate) struct LiveBackend {
    active: ArcSwapOption<Active>,
}

/// What a backend is at the moment.
#[derive(Debug)]
pub(crate) struct Active {
    configured: Arc<Backend>,
    pub(crate) balancer: Arc<Balancer>,
    pub(crate) protocol: Protocol,
    pub(crate) security: Security,
}

impl Active {
    fn new(backend: &Arc<Backend>, endpoints: EndpointSet) -> Self {
        Self {
            configured: Arc::clone(backend),
            balancer: Arc::new(Balancer::new(backend.algorithm(), endpoints)),
            protocol: protocol(backend),
            security: Security::new(backend.tls().map(|tls| &**tls)),
        }
    }

    /// Keeps what the change does not touch: the balancer's counts, and with the TLS
    /// settings the connections that were verified under them.
    fn changed(&self, backend: &Arc<Backend>, endpoints: EndpointSet) -> Self {
        let before = &self.configured;
        let balancer = if before.algorithm() == backend.algorithm() {
            self.balancer.update(endpoints);
            Arc::clone(&self.balancer)
        } else {
            Arc::new(Balancer::new(backend.algorithm(), endpoints))
        };
        let security = if before.tls() == backend.tls() {
            self.security.clone()
        } else {
            Security::new(backend.tls().map(|tls| &**tls))
        };
        Self {
            configured: Arc::clone(backend),
            balancer,
            protocol: protocol(backend),
            security,
        }
    }
}

impl Active {
    /// Whether and how its connections begin with a PROXY protocol header.
    pub(crate) fn proxy_protocol(&self) -> Option<ProxyVersion> {
        self.configured.proxy_protocol()
    }
}

impl LiveBackend {
    /// A backend that stays what it is, whose endpoints are known.
    pub(crate) fn of(backend: Backend) -> Arc<Self> {
        let live = Arc::new(Self::default());
        live.update(&Arc::new(backend));
        live
    }

    pub(crate) fn active(&self) -> arc_swap::Guard<Option<Arc<Active>>> {
        self.active.load()
    }

    /// Returns what has to be looked up from now on, if that is new.
    fn update(self: &Arc<Self>, backend: &Arc<Backend>) -> Option<Lookup> {
        let before = self.active.load_full();
        if before
            .as_ref()
            .is_some_and(|before| before.configured == *backend)
        {
            return None;
        }

        let endpoints = match backend.endpoints() {
            Endpoints::Static(endpoints) => endpoints.clone(),
            // Until there is an answer, the old ones are as good as none.
            Endpoints::Dns { .. } => before
                .as_ref()
                .map_or_else(EndpointSet::new, |b| b.balancer.endpoints()),
        };
        let active = Arc::new(match before {
            Some(before) => before.changed(backend, endpoints),
            None => Active::new(backend, endpoints),
        });
        self.active.store(Some(Arc::clone(&active)));

        match backend.endpoints() {
            Endpoints::Static(_) => None,
            Endpoints::Dns { host, port } => Some(Lookup {
                host: Arc::clone(host),
                port: *port,
                active,
            }),
        }
    }
}

/// A backend whose endpoints have to be looked up again and again.
#[derive(Debug)]
struct Lookup {
    host: Arc<str>,
    port: u16,
    active: Arc<Active>,
}

impl Lookup {
    /// Looks up for as long as the backend is what it is.
    async fn follow(self) {
        use gateway_lb::dns::{DnsEndpoints, SystemResolver};

        let Self { host, port, active } = self;
        let weak = Arc::downgrade(&active);
        drop(active);
        let gone = tokio::sync::Notify::new();

        let following =
            DnsEndpoints::new(host, port).follow(SystemResolver, |endpoints| {
                match weak.upgrade() {
                    Some(active) => active.balancer.update(endpoints),
                    None => gone.notify_one(),
                }
            });
        tokio::select! {
            _ = following => {}
            () = gone.notified() => {}
        }
    }
}

fn protocol(backend: &Backend) -> Protocol {
    match backend.protocol() {
        BackendProtocol::Http1 => Protocol::Http1,
        BackendProtocol::H2c => Protocol::Http2,
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

    #[test]
    fn backend_that_rules_lost_is_gone_at_once() {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        backends.update(&configuration(&["a"], "a"));
        let live = backends.live(&"a".into());

        backends.update(&configuration(&[], "a"));

        assert!(live.active().is_none());
    }

    #[test]
    fn backend_that_no_rule_needs_finishes_what_has_begun() {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        backends.update(&configuration(&["a"], "a"));
        let in_flight = backends.live(&"a".into());

        backends.update(&configuration(&["b"], "b"));

        assert!(in_flight.active().is_some());
        assert!(!Arc::ptr_eq(&in_flight, &backends.live(&"a".into())));
    }
}
