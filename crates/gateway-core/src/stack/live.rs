//! One backend, alive.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use gateway_filters::retry::SharedRetryBudget;
use gateway_lb::balance::HashKey;
use gateway_lb::health::Health;
use gateway_lb::persistence::Sessions;
use gateway_lb::pool::{Connections, Destination, Pool, PoolSettings, Protocol};
use gateway_lb::{Balancer, EndpointSet};
use http::{HeaderMap, Uri};

use super::Chore;
use super::check::{Checking, transport};
use super::guard::Guard;
use super::lookup::Lookup;
use super::security::{InvalidBackendTls, Security};
use super::surroundings::Surroundings;
use crate::Body;
use crate::model::{Backend, BackendId, BackendProtocol, BackendTraffic, Endpoints, ProxyVersion};

/// One backend; without `Active` it is one that the configuration does not have.
#[derive(Debug, Default)]
pub(crate) struct LiveBackend {
    active: ArcSwapOption<Active>,
    /// Whether it wants to see requests as clients have sent them.
    keyed: AtomicBool,
    /// Whether it is, or was, told whom connections are from.
    tells_ends: AtomicBool,
    /// Whether answers, and that there was none in time, tell how its endpoints are.
    watched: AtomicBool,
}

/// What a backend is at the moment.
#[derive(Debug)]
pub(crate) struct Active {
    configured: Arc<Backend>,
    pub(crate) balancer: Arc<Balancer>,
    pub(crate) protocol: Protocol,
    pub(crate) security: Security,
    pub(super) sessions: Option<Arc<Sessions>>,
    pub(super) retry_budget: Option<SharedRetryBudget>,
    /// What stands between requests and endpoints.
    pub(super) guard: Option<Guard>,
    /// Those for requests, where they are apart from others.
    connections: Option<Connections>,
    health: Option<Health>,
    checking: Option<Arc<Checking>>,
    _lookup: Option<Lookup>,
}

impl Active {
    /// What `backend` is from now on, and what has to be done for it.
    ///
    /// Keeps of `before` what the change does not touch: the balancer's counts, what is known
    /// of endpoints, and with the TLS settings the connections that were verified under them.
    fn new(
        live: &Arc<LiveBackend>,
        before: Option<&Self>,
        (id, backend): (&BackendId, &Arc<Backend>),
        surroundings: &Surroundings,
        endpoints: EndpointSet,
    ) -> (Self, Option<Chore>) {
        let traffic = backend.traffic();
        let security = match before.filter(|before| before.configured.tls() == backend.tls()) {
            Some(before) => before.security.clone(),
            None => Security::new(backend.tls().map(|tls| &**tls)),
        };
        let health = health(before, traffic);
        let balancer = match before.filter(|before| before.chooses_like(backend, health.as_ref())) {
            Some(before) => {
                before.balancer.update(endpoints);
                Arc::clone(&before.balancer)
            }
            None => Arc::new(balancer(backend, health.clone(), surroundings, endpoints)),
        };
        let budget = before.and_then(|before| before.retry_budget.clone());
        let retry_budget = traffic.retry_budget().map(|settings| {
            let known = budget.filter(|known| known.budget() == settings);
            known.unwrap_or_else(|| SharedRetryBudget::new(settings))
        });

        let known = before.filter(|before| {
            let before = before.configured.traffic();
            before.connections() == traffic.connections()
        });
        let connections = match known {
            Some(known) => known.connections.clone(),
            None => traffic.connections().cloned().map(Connections::new),
        };

        let mut active = Self {
            configured: Arc::clone(backend),
            balancer,
            protocol: protocol(backend),
            security,
            sessions: traffic
                .sessions()
                .and_then(|carrier| surroundings.sessions(carrier, id, 0)),
            retry_budget,
            guard: Guard::new(
                before.and_then(|before| before.guard.as_ref()),
                traffic,
                live,
                surroundings.pool(),
            ),
            connections,
            health,
            checking: None,
            _lookup: None,
        };
        let chore = active.check(before, surroundings);
        (active, chore)
    }

    /// Looks for its endpoints, if they have to be looked for.
    fn look_up(&mut self) -> Option<Chore> {
        let (lookup, chore) = Lookup::begin(self.configured.endpoints(), &self.balancer)?;
        self._lookup = Some(lookup);
        Some(chore)
    }

    /// Goes on with the checks there were, or begins anew.
    fn check(&mut self, before: Option<&Self>, surroundings: &Surroundings) -> Option<Chore> {
        let health = self.health.as_ref()?;
        let check = self.configured.traffic().check()?;
        if let Some(before) = before.filter(|before| self.is_checked_like(before)) {
            self.checking.clone_from(&before.checking);
            return None;
        }
        let transport = transport(
            surroundings.probes(),
            self.protocol,
            &self.security,
            self.proxy_protocol(),
        )?;
        let (checking, chore) = Checking::begin(health.clone(), check.clone(), transport);
        self.checking = Some(Arc::new(checking));
        Some(chore)
    }

    fn is_checked_like(&self, before: &Self) -> bool {
        let (now, then) = (&self.configured, &before.configured);
        before.checking.is_some()
            && now.traffic().check() == then.traffic().check()
            && now.traffic().health() == then.traffic().health()
            && now.protocol() == then.protocol()
            && now.tls() == then.tls()
            && now.proxy_protocol() == then.proxy_protocol()
    }

    /// Whether the balancer can stay, if it gets other endpoints.
    fn chooses_like(&self, backend: &Backend, health: Option<&Health>) -> bool {
        let (before, now) = (self.configured.traffic(), backend.traffic());
        self.configured.algorithm() == backend.algorithm()
            && before.slow_start() == now.slow_start()
            && before.preference() == now.preference()
            && before.same_zone() == now.same_zone()
            && match (&self.health, health) {
                (Some(before), Some(now)) => before.is_shared_with(now),
                (before, now) => before.is_none() && now.is_none(),
            }
    }

    /// Where requests for the endpoint at `address` go.
    pub(super) fn destination(
        &self,
        address: SocketAddr,
    ) -> Result<Destination, InvalidBackendTls> {
        let destination = self.security.destination(address)?;
        Ok(match &self.connections {
            Some(connections) => destination.with_connections(connections.clone()),
            None => destination,
        })
    }

    /// Opens connections that are to be there before there are requests.
    fn warm(&self, pool: &Pool<Body>) {
        // Nobody knows yet whom they would be from.
        if self.proxy_protocol().is_some() {
            return;
        }
        for endpoint in self.balancer.ready_endpoints().iter() {
            if let Ok(destination) = self.destination(endpoint.address()) {
                pool.warm(destination, self.protocol);
            }
        }
    }

    /// Whether and how its connections begin with a PROXY protocol header.
    pub(crate) fn proxy_protocol(&self) -> Option<ProxyVersion> {
        self.configured.proxy_protocol()
    }

    /// Whether answers of its endpoints tell how they are.
    pub(super) fn is_watched(&self) -> bool {
        let health = self.health.as_ref();
        health.is_some_and(|health| health.settings().ejection().is_some())
    }
}

impl LiveBackend {
    /// A backend that stays what it is, whose endpoints are known. Nobody checks them.
    pub(crate) fn of(backend: Backend) -> Arc<Self> {
        let live = Arc::new(Self::default());
        let surroundings = Surroundings::new(Pool::new(PoolSettings::default()));
        live.update(&BackendId::from(""), &Arc::new(backend), &surroundings);
        live
    }

    pub(crate) fn active(&self) -> arc_swap::Guard<Option<Arc<Active>>> {
        self.active.load()
    }

    /// Whether requests have to say which connection they came on. Once they do they go on:
    /// what has begun may still need it.
    pub(crate) fn tells_ends(&self) -> bool {
        self.tells_ends.load(Ordering::Relaxed)
    }

    /// Whether requests have to say until when they wait for an answer.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Opens connections that are to be there before there are requests, on this thread.
    pub(super) fn warm(&self, pool: &Pool<Body>) {
        if let Some(active) = &*self.active() {
            active.warm(pool);
        }
    }

    /// What hashing goes by, of a request as the client has sent it.
    pub(crate) fn key(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        client: Option<IpAddr>,
    ) -> Option<u64> {
        if !self.keyed.load(Ordering::Relaxed) {
            return None;
        }
        let active = self.active();
        let key = active.as_ref()?.configured.traffic().hash_key()?;
        key.of(uri, headers, client)
    }

    /// What hashing goes by, of what carries no requests: the address of the client, or nothing.
    pub(crate) fn key_of_client(&self, client: IpAddr) -> Option<u64> {
        let active = self.active();
        match active.as_ref()?.configured.traffic().hash_key()? {
            HashKey::SourceAddress => self.key(&Uri::default(), &HeaderMap::new(), Some(client)),
            _ => None,
        }
    }

    /// It is not configured any more.
    pub(super) fn end(&self) {
        self.active.store(None);
    }

    /// Returns what has to be done from now on, if that is new.
    pub(super) fn update(
        self: &Arc<Self>,
        id: &BackendId,
        backend: &Arc<Backend>,
        surroundings: &Surroundings,
    ) -> Vec<Chore> {
        let before = self.active.load_full();
        let is_same = |before: &Arc<Active>| before.configured == *backend;
        if before.as_ref().is_some_and(is_same) {
            return Vec::new();
        }

        let endpoints = match backend.endpoints() {
            Endpoints::Static(endpoints) => endpoints.clone(),
            // Until there is an answer, the old ones are better than none. Those of another name
            // are of somebody else.
            name @ Endpoints::Dns { .. } => before
                .as_ref()
                .filter(|before| before.configured.endpoints() == name)
                .map_or_else(EndpointSet::new, |before| before.balancer.endpoints()),
        };
        // First, so that no request finds the backend changed and does not know.
        if backend.proxy_protocol().is_some() {
            self.tells_ends.store(true, Ordering::Relaxed);
        }
        let (mut active, check) = Active::new(
            self,
            before.as_deref(),
            (id, backend),
            surroundings,
            endpoints,
        );
        self.watched.store(active.is_watched(), Ordering::Relaxed);
        let lookup = active.look_up();
        self.active.store(Some(Arc::new(active)));
        let keyed = backend.traffic().hash_key().is_some();
        self.keyed.store(keyed, Ordering::Relaxed);

        lookup.into_iter().chain(check).collect()
    }
}

/// The health there was, or one of other settings that knows as much.
fn health(before: Option<&Active>, traffic: &BackendTraffic) -> Option<Health> {
    let settings = traffic.health()?;
    let known = before.and_then(|before| before.health.as_ref().map(|health| (before, health)));
    let Some((before, known)) = known else {
        return Some(Health::new(settings.clone()));
    };
    let was_checked = before.configured.traffic().check().is_some();
    if was_checked && traffic.check().is_none() {
        // Not the same: a check that is just ending may still tell that.
        let health = known.renewed(settings.clone());
        health.unchecked();
        return Some(health);
    }
    Some(if known.settings() == settings {
        known.clone()
    } else {
        known.renewed(settings.clone())
    })
}

fn balancer(
    backend: &Backend,
    health: Option<Health>,
    surroundings: &Surroundings,
    endpoints: EndpointSet,
) -> Balancer {
    let traffic = backend.traffic();
    let preference = match surroundings.zone().zip(traffic.same_zone()) {
        Some((zone, spill_below)) => traffic.preference().with_zone(zone, spill_below),
        None => traffic.preference(),
    };
    let mut balancer = Balancer::new(backend.algorithm(), endpoints).with_preference(preference);
    if let Some(slow_start) = traffic.slow_start() {
        balancer = balancer.with_slow_start(slow_start);
    }
    match health {
        Some(health) => balancer.with_health(health),
        None => balancer,
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
    use std::net::SocketAddr;
    use std::time::Duration;

    use gateway_filters::RetryBudget;
    use gateway_lb::balance::{Algorithm, HashKey, Outcome, SlowStart};
    use gateway_lb::health::{Check, Ejection, HealthSettings, Probe};

    use super::*;

    fn at(ports: &[u16]) -> Backend {
        let addresses = ports
            .iter()
            .map(|port| SocketAddr::from(([127, 0, 0, 1], *port)));
        let ejection = Ejection::new().with_consecutive(Some(1));
        Backend::new(addresses).with_health(HealthSettings::new().with_ejection(ejection))
    }

    /// A backend and what may be told of it.
    fn live() -> (Arc<LiveBackend>, impl Fn(Backend) -> Vec<Chore>) {
        let live = Arc::new(LiveBackend::default());
        let surroundings = Surroundings::new(Pool::new(PoolSettings::default()));
        let update = {
            let live = Arc::clone(&live);
            move |backend| live.update(&"a".into(), &Arc::new(backend), &surroundings)
        };
        (live, update)
    }

    fn balancer(live: &LiveBackend) -> Arc<Balancer> {
        let active = live.active();
        Arc::clone(&active.as_ref().unwrap().balancer)
    }

    #[test]
    fn what_is_known_of_endpoints_outlives_changes_of_other_things() {
        let (live, update) = live();
        update(at(&[1, 2]));
        let before = balancer(&live);
        let mut pick = before.pick().unwrap();
        before.answered(&mut pick, Outcome::Failure);
        assert_eq!(before.ready_endpoints().len(), 1);

        update(at(&[1, 2]).with_retry_budget(RetryBudget::new()));
        assert!(Arc::ptr_eq(&before, &balancer(&live)));

        let other = at(&[1, 2]).with_slow_start(SlowStart::new(Duration::from_secs(1)));
        update(other.with_algorithm(Algorithm::Random));
        assert!(!Arc::ptr_eq(&before, &balancer(&live)));
        assert_eq!(balancer(&live).ready_endpoints().len(), 1);
    }

    #[test]
    fn other_health_settings_forget_no_endpoint() {
        let (live, update) = live();
        update(at(&[1, 2]));
        let before = balancer(&live);
        let mut pick = before.pick().unwrap();
        before.answered(&mut pick, Outcome::Failure);

        let ejection = Ejection::new().with_base(Duration::from_secs(1));
        update(at(&[1, 2]).with_health(HealthSettings::new().with_ejection(ejection)));

        assert_eq!(balancer(&live).ready_endpoints().len(), 1);
        assert!(!balancer(&live).ready_endpoints().contains(pick.address()));
    }

    #[test]
    fn endpoint_is_up_once_nobody_checks_it() {
        let (live, update) = live();
        let _checks = update(at(&[1, 2]).with_check(Check::new(Probe::Tcp)));
        let checked = live.active().as_ref().unwrap().health.clone().unwrap();
        let fail = || {
            for _ in 0..checked.settings().fall() {
                checked.checked(SocketAddr::from(([127, 0, 0, 1], 1)), false);
            }
        };
        fail();
        assert_eq!(balancer(&live).ready_endpoints().len(), 1);

        update(at(&[1, 2]));

        assert_eq!(balancer(&live).ready_endpoints().len(), 2);
        fail();
        assert_eq!(balancer(&live).ready_endpoints().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn checks_go_on_until_nobody_wants_them() {
        let (live, update) = live();
        let checked = |ports: &[u16]| at(ports).with_check(Check::new(Probe::Tcp));

        let mut chores = update(checked(&[1]));
        assert_eq!(chores.len(), 1);
        assert!(update(checked(&[1, 2])).is_empty());
        let checking = tokio::spawn(chores.remove(0).run());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!checking.is_finished());

        live.end();
        checking.await.unwrap();
    }

    /// Resolves when the name was looked up.
    async fn found(live: &LiveBackend) {
        while balancer(live).endpoints().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn name_is_looked_up_until_nobody_wants_it() {
        let (live, update) = live();
        let mut chores = update(Backend::dns("192.0.2.1", 80));
        let lookup = tokio::spawn(chores.remove(0).run());
        found(&live).await;

        live.end();

        // What is found is the same every time.
        let ended = tokio::time::timeout(Duration::from_secs(3600), lookup).await;
        ended.expect("it ends").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn endpoints_of_another_name_are_not_kept() {
        let (live, update) = live();
        let known = || balancer(&live).endpoints().len();
        let named = |host: &str, port| Backend::dns(host, port);

        let mut chores = update(named("192.0.2.1", 80));
        tokio::spawn(chores.remove(0).run());
        found(&live).await;
        update(named("192.0.2.1", 80).with_retry_budget(RetryBudget::new()));
        assert_eq!(known(), 1);

        update(named("192.0.2.1", 81));
        assert_eq!(known(), 0);
        update(at(&[1, 2]));
        update(named("192.0.2.1", 81));
        assert_eq!(known(), 0);
    }

    #[test]
    fn keys_other_than_the_address_want_no_client() {
        let (live, update) = live();
        let key = |client| live.key(&Uri::from_static("/a"), &HeaderMap::new(), client);
        let client = IpAddr::from([192, 0, 2, 1]);

        update(at(&[1]).with_hash_key(HashKey::Path));
        assert!(key(None).is_some());
        assert_eq!(key(None), key(Some(client)));
        update(at(&[1]).with_hash_key(HashKey::SourceAddress));
        assert!(key(None).is_none());
        assert!(key(Some(client)).is_some());
    }

    #[test]
    fn guard_is_there_only_where_it_is_asked_for() {
        let (live, update) = live();
        let guard = || live.active().as_ref().unwrap().guard.is_some();

        update(at(&[1]));
        assert!(!guard());
        let breaker = gateway_filters::CircuitBreaker::new();
        update(at(&[1]).with_circuit_breaker(breaker));
        assert!(guard());
    }
}
