//! How statuses are written.

use std::sync::Arc;

use super::super::NodeAddresses;
use crate::resolve::CONTROLLER_NAME;

/// Who writes statuses, and how fast.
#[derive(Clone, Debug)]
pub struct WriterSettings {
    pub(super) controller: Arc<str>,
    pub(super) addresses: NodeAddresses,
    pub(super) per_second: f64,
    pub(super) burst: u32,
}

impl WriterSettings {
    /// Writes in the name of this controller, as in `GatewayClass.spec.controllerName`.
    pub fn new(controller: impl Into<Arc<str>>) -> Self {
        Self {
            controller: controller.into(),
            addresses: NodeAddresses::default(),
            per_second: 100.0,
            burst: 200,
        }
    }

    /// What Gateways that listen everywhere have as their addresses. None by default.
    #[must_use]
    pub fn node_addresses(mut self, addresses: NodeAddresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// At most so many calls a second, and so many more after a rest. 100 and 200 by
    /// default.
    #[must_use]
    pub fn rate(mut self, per_second: f64, burst: u32) -> Self {
        self.per_second = per_second;
        self.burst = burst;
        self
    }
}

impl Default for WriterSettings {
    /// In the name of [`CONTROLLER_NAME`].
    fn default() -> Self {
        Self::new(CONTROLLER_NAME)
    }
}
