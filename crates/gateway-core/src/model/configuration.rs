//! Everything the data plane obeys.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Backend, BackendId, Gateway};

/// What a gateway does, as one comparable value.
///
/// Parts that did not change should be the same `Arc` as before: applying a
/// configuration costs what differs from the last one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Configuration {
    gateways: Vec<Arc<Gateway>>,
    backends: Arc<BTreeMap<BackendId, Arc<Backend>>>,
}

impl Configuration {
    /// A configuration that serves nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a gateway.
    #[must_use]
    pub fn with_gateway(mut self, gateway: impl Into<Arc<Gateway>>) -> Self {
        self.gateways.push(gateway.into());
        self
    }

    /// Adds a backend, or replaces the one of that name.
    #[must_use]
    pub fn with_backend(
        mut self,
        id: impl Into<BackendId>,
        backend: impl Into<Arc<Backend>>,
    ) -> Self {
        Arc::make_mut(&mut self.backends).insert(id.into(), backend.into());
        self
    }

    /// Has these backends and no others. Applying costs least if they are the same
    /// `Arc` as before.
    #[must_use]
    pub fn with_backends(
        mut self,
        backends: impl Into<Arc<BTreeMap<BackendId, Arc<Backend>>>>,
    ) -> Self {
        self.backends = backends.into();
        self
    }

    /// Its gateways.
    pub fn gateways(&self) -> &[Arc<Gateway>] {
        &self.gateways
    }

    /// Its backends.
    pub fn backends(&self) -> &BTreeMap<BackendId, Arc<Backend>> {
        &self.backends
    }

    /// Whether both have the very same backends. `false` may still mean that they
    /// are equal.
    pub fn shares_backends(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backends, &other.backends)
    }
}
