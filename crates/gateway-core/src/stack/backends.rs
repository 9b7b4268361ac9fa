//! The backends of a configuration, alive: balancers and the pool.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use gateway_lb::pool::{Pool, Protocol};
use gateway_lb::{Balancer, EndpointSet};

use super::UpstreamService;
use crate::Body;
use crate::model::{Backend, BackendId, BackendProtocol, BackendTarget, Configuration, Endpoints};

/// Every backend that some rule refers to, whether or not it exists at the moment.
///
/// A backend keeps its identity over changes of the configuration, so that stacks
/// that refer to it need not be built again and its balancer keeps its state.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    pool: Pool<Body>,
    known: Arc<Mutex<HashMap<BackendId, Arc<LiveBackend>>>>,
}

impl Backends {
    pub(crate) fn new(pool: Pool<Body>) -> Self {
        Self {
            pool,
            known: Arc::default(),
        }
    }

    /// The connections to all of them.
    pub(crate) fn pool(&self) -> &Pool<Body> {
        &self.pool
    }

    /// Sends requests to `target`.
    pub(crate) fn service(&self, target: &BackendTarget) -> UpstreamService {
        let backend = match target {
            BackendTarget::Backend(id) => self.live(id),
            BackendTarget::Invalid(_) => Arc::default(),
        };
        UpstreamService::new(backend, self.pool.clone())
    }

    /// Brings every backend to what `configuration` says, and forgets those that
    /// neither it nor a stack knows. Returns those that have to be looked up.
    pub(crate) fn update(&self, configuration: &Configuration) -> Vec<Lookup> {
        let mut lookups = Vec::new();
        for (id, backend) in configuration.backends() {
            if let Some(lookup) = self.live(id).update(backend) {
                lookups.push(lookup);
            }
        }

        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|id, live| {
            let configured = configuration.backends().contains_key(id);
            if !configured {
                live.active.store(None);
            }
            configured || Arc::strong_count(live) > 1
        });
        lookups
    }

    fn live(&self, id: &BackendId) -> Arc<LiveBackend> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);

        Arc::clone(known.entry(id.clone()).or_default())
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
    pub(crate) balancer: Balancer,
    pub(crate) protocol: Protocol,
}

impl LiveBackend {
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
        let balancer = Balancer::new(backend.algorithm(), endpoints);
        let active = Arc::new(Active {
            configured: Arc::clone(backend),
            balancer,
            protocol: protocol(backend),
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
pub(crate) struct Lookup {
    host: Arc<str>,
    port: u16,
    active: Arc<Active>,
}

impl Lookup {
    /// Looks up for as long as the backend is what it is.
    #[cfg(feature = "server")]
    pub(crate) async fn follow(self) {
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
