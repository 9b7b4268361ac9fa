//! How endpoints are chosen, watched and spared.

use std::sync::Arc;

use gateway_filters::{CircuitBreaker, ConcurrencyLimit, RetryBudget};
use gateway_lb::Percent;
use gateway_lb::balance::{HashKey, Preference, SlowStart};
use gateway_lb::connections::ConnectionSettings;
use gateway_lb::health::{Check, HealthSettings};
use gateway_lb::persistence::SessionCarrier;

use super::Backend;

/// What a backend does about its traffic, besides the [algorithm](Backend::algorithm). By
/// default nothing.
///
/// All of it belongs to the backend, whichever rules refer to it: they share one health of each
/// endpoint, one circuit and one budget.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BackendTraffic {
    pub(super) hash_key: Option<HashKey>,
    pub(super) slow_start: Option<SlowStart>,
    pub(super) preference: Preference,
    pub(super) same_zone: Option<Percent>,
    pub(super) health: Option<HealthSettings>,
    pub(super) check: Option<Check>,
    pub(super) sessions: Option<Arc<SessionCarrier>>,
    pub(super) retry_budget: Option<RetryBudget>,
    pub(super) circuit_breaker: Option<CircuitBreaker>,
    pub(super) concurrency_limit: Option<ConcurrencyLimit>,
    pub(super) connections: Option<ConnectionSettings>,
}

impl BackendTraffic {
    /// What algorithms that hash go by, taken from the request as the client has sent it.
    /// Without one they take a random key.
    pub fn hash_key(&self) -> Option<&HashKey> {
        self.hash_key.as_ref()
    }

    /// How endpoints that are new are spared.
    pub fn slow_start(&self) -> Option<SlowStart> {
        self.slow_start
    }

    /// Which endpoints are preferred to which.
    pub fn preference(&self) -> Preference {
        self.preference
    }

    /// Whether endpoints in the gateway's own zone are preferred, while at least this share of
    /// them is healthy.
    pub fn same_zone(&self) -> Option<Percent> {
        self.same_zone
    }

    /// When an endpoint is thought well.
    pub fn health(&self) -> Option<&HealthSettings> {
        self.health.as_ref()
    }

    /// How endpoints are checked.
    pub fn check(&self) -> Option<&Check> {
        self.check.as_ref()
    }

    /// What carries sessions.
    pub fn sessions(&self) -> Option<&Arc<SessionCarrier>> {
        self.sessions.as_ref()
    }

    /// The share of its requests that may be tried again.
    pub fn retry_budget(&self) -> Option<RetryBudget> {
        self.retry_budget
    }

    /// When it is left alone.
    pub fn circuit_breaker(&self) -> Option<&CircuitBreaker> {
        self.circuit_breaker.as_ref()
    }

    /// How many requests it gets at a time.
    pub fn concurrency_limit(&self) -> Option<&ConcurrencyLimit> {
        self.concurrency_limit.as_ref()
    }

    /// How the connections for its requests are limited and kept.
    pub fn connections(&self) -> Option<&ConnectionSettings> {
        self.connections.as_ref()
    }
}

impl Backend {
    /// What it does about its traffic.
    pub fn traffic(&self) -> &BackendTraffic {
        &self.traffic
    }

    /// What algorithms that hash go by. A random key by default, and for requests that have no
    /// such part.
    #[must_use]
    pub fn with_hash_key(self, key: HashKey) -> Self {
        self.with(|traffic| traffic.hash_key = Some(key))
    }

    /// Gives endpoints that join later a share that grows. Off by default.
    #[must_use]
    pub fn with_slow_start(self, slow_start: SlowStart) -> Self {
        self.with(|traffic| traffic.slow_start = Some(slow_start))
    }

    /// Prefers some endpoints to others. By default backups are the last resort, and one that is
    /// not well is none.
    #[must_use]
    pub fn with_preference(self, preference: Preference) -> Self {
        self.with(|traffic| traffic.preference = preference)
    }

    /// Prefers endpoints in the zone of the gateway, which is told by its builder where it is,
    /// while at least `spill_below` of them are healthy. Off by default.
    #[must_use]
    pub fn with_same_zone_preferred(self, spill_below: Percent) -> Self {
        self.with(|traffic| traffic.same_zone = Some(spill_below))
    }

    /// Leaves endpoints out that are not well, as these settings and their
    /// [checks](Backend::with_check) tell. All are thought well by default.
    #[must_use]
    pub fn with_health(self, health: HealthSettings) -> Self {
        self.with(|traffic| traffic.health = Some(health))
    }

    /// Checks its endpoints again and again. They are not checked by default.
    #[must_use]
    pub fn with_check(self, check: Check) -> Self {
        self.with(|traffic| {
            traffic.health.get_or_insert_default();
            traffic.check = Some(check);
        })
    }

    /// Sends the requests of one session to one endpoint. Sessions of a
    /// [rule](super::Rule::with_sessions) come before these. There are none by default.
    #[must_use]
    pub fn with_sessions(self, carrier: impl Into<SessionCarrier>) -> Self {
        self.with(|traffic| traffic.sessions = Some(Arc::new(carrier.into())))
    }

    /// Limits retries of its requests, by whatever rules, to a share of them. Without a limit by
    /// default.
    #[must_use]
    pub fn with_retry_budget(self, budget: RetryBudget) -> Self {
        self.with(|traffic| traffic.retry_budget = Some(budget))
    }

    /// Leaves it alone for a while when it fails or is slow. Never by default.
    #[must_use]
    pub fn with_circuit_breaker(self, breaker: CircuitBreaker) -> Self {
        self.with(|traffic| traffic.circuit_breaker = Some(breaker))
    }

    /// Limits how many requests it gets at a time. Without a limit by default.
    #[must_use]
    pub fn with_concurrency_limit(self, limit: ConcurrencyLimit) -> Self {
        self.with(|traffic| traffic.concurrency_limit = Some(limit))
    }

    /// Limits and keeps the connections for its requests by settings of its own: how many there
    /// are to each endpoint and how many requests wait for one, how long they are used, and how
    /// many are opened before there are requests. By default they are those of all backends, as
    /// [`GatewayBuilder::pool`](crate::GatewayBuilder::pool) says, and there is no limit.
    ///
    /// Connections of TCP and TLS routes are not among them, nor are those of checks. Where
    /// connections [say whom they are from](Backend::with_proxy_protocol), none is opened before
    /// that is known.
    #[must_use]
    pub fn with_connections(self, settings: ConnectionSettings) -> Self {
        self.with(|traffic| traffic.connections = Some(settings))
    }

    fn with(mut self, set: impl FnOnce(&mut BackendTraffic)) -> Self {
        set(Arc::make_mut(&mut self.traffic));
        self
    }
}
