//! What backends have in common that no configuration says.

use std::sync::Arc;

use gateway_lb::Zone;
use gateway_lb::health::ProbeBody;
use gateway_lb::persistence::{SessionCarrier, SessionKey, Sessions};
use gateway_lb::pool::{Pool, PoolSettings};

use super::Warmed;
use crate::Body;
use crate::model::BackendId;

/// Connections, where the gateway stands, and what its sessions are made with.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pool: Pool<Body>,
    probes: Pool<ProbeBody>,
    warmed: Warmed,
    zone: Option<Zone>,
    /// The first one is for new sessions.
    keys: Vec<SessionKey>,
}

impl Surroundings {
    /// In no known zone, with sessions that end with the process.
    pub(crate) fn new(pool: Pool<Body>) -> Self {
        Self {
            pool,
            probes: Pool::new(PoolSettings::new().with_max_idle_per_endpoint(1)),
            warmed: Warmed::default(),
            zone: None,
            keys: SessionKey::random().into_iter().collect(),
        }
    }

    pub(crate) fn with_zone(mut self, zone: Option<Zone>) -> Self {
        self.zone = zone;
        self
    }

    /// Without keys it stays with its own.
    pub(crate) fn with_session_keys(mut self, keys: Vec<SessionKey>) -> Self {
        if !keys.is_empty() {
            self.keys = keys;
        }
        self
    }

    /// With backends that the caller has connections opened for.
    pub(crate) fn with_warmed(mut self, warmed: Warmed) -> Self {
        self.warmed = warmed;
        self
    }

    /// Backends whose connections are opened before there are requests.
    pub(crate) fn warmed(&self) -> &Warmed {
        &self.warmed
    }

    pub(crate) fn pool(&self) -> &Pool<Body> {
        &self.pool
    }

    /// Connections for checks alone.
    pub(crate) fn probes(&self) -> &Pool<ProbeBody> {
        &self.probes
    }

    pub(crate) fn zone(&self) -> Option<Zone> {
        self.zone
    }

    /// Sessions of the backend `id`, which share their name with those of so many `others`; none,
    /// if there is no key.
    pub(crate) fn sessions(
        &self,
        carrier: &SessionCarrier,
        id: &BackendId,
        others: usize,
    ) -> Option<Arc<Sessions>> {
        let Some((key, older)) = self.keys.split_first() else {
            tracing::error!(backend = %id, "there is no key for sessions");
            return None;
        };
        let scope = id.to_string();
        let sessions = Sessions::new(carrier.clone(), key.clone(), scope.as_bytes());
        let sessions = sessions.with_others(others);
        let sessions = older
            .iter()
            .cloned()
            .fold(sessions, Sessions::with_older_key);
        Some(Arc::new(sessions))
    }
}
