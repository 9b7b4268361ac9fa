//! What Gateways get, as whoever runs the gateway wants it.

use std::collections::BTreeMap;
use std::time::Duration;

use gateway_core::model::ObjectName;

use super::Exposure;

/// What Gateways get.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Blueprint {
    pub(super) exposure: Exposure,
    pub(super) pods: ObjectName,
    pub(super) dedicated: Dedicated,
}

impl Blueprint {
    /// What `exposure` asks for.
    ///
    /// `pods` is the Service whose endpoints are the pods of this gateway, for
    /// [`Exposure::Services`]. The Deployments of [`Exposure::Dedicated`] are those of
    /// [`Dedicated::new`] by default.
    pub fn new(exposure: Exposure, pods: ObjectName) -> Self {
        Self {
            exposure,
            pods,
            dedicated: Dedicated::new("gateway:latest"),
        }
    }

    /// What the Deployments of Gateways are like, for [`Exposure::Dedicated`].
    #[must_use]
    pub fn with_dedicated(mut self, dedicated: Dedicated) -> Self {
        self.dedicated = dedicated;
        self
    }
}

/// The Deployment of a Gateway that has pods of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Dedicated {
    pub(super) image: String,
    pub(super) replicas: u16,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) grace: Duration,
}

impl Dedicated {
    /// Two pods of this image, whose entry point is the program.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            replicas: 2,
            variables: BTreeMap::new(),
            grace: Duration::from_secs(65),
        }
    }

    /// How many pods a Gateway begins with. 2 by default.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u16) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets a variable of the program's environment. None by default, but those that
    /// it needs to serve one Gateway.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// How long the program may take to end. 65 seconds by default.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}
