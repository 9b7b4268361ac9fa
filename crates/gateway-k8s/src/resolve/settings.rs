//! What `resolve` has to know besides the objects.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use gateway_core::model::{ExtensionRef, ObjectName, Reach};

use super::AddressRange;
use crate::infrastructure::Exposure;

/// The controller name of this project, for `GatewayClass.spec.controllerName`.
pub const CONTROLLER_NAME: &str = "gateway-rs.dev/gateway-controller";

/// Decides what depends on where the gateway runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    pub(super) controller: Arc<str>,
    pub(super) complete: bool,
    pub(super) reach: Reach,
    pub(super) pool: Arc<[AddressRange]>,
    pub(super) extensions: BTreeSet<ExtensionRef>,
    pub(super) releases: Vec<Arc<str>>,
    pub(super) exposure: Exposure,
    pub(super) serving: Serving,
    pub(super) infrastructure: bool,
}

/// Which of the Gateways that are ours are served here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // there is nothing between one and all
pub enum Serving {
    /// All of them.
    #[default]
    Everything,
    /// This one; others do the same for the rest.
    Only(ObjectName),
    /// None of them: others serve, and here is only decided about them.
    Nothing,
}

impl Serving {
    /// Whether this Gateway is one of them.
    pub(super) fn has(&self, gateway: &ObjectName) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(only) => only == gateway,
            Self::Nothing => false,
        }
    }
}

impl Settings {
    /// For objects of a cluster, where others have objects too and where an
    /// endpoint on this machine's own addresses is an attack.
    pub fn cluster() -> Self {
        Self {
            controller: CONTROLLER_NAME.into(),
            complete: false,
            reach: Reach::Outside,
            pool: Arc::default(),
            extensions: BTreeSet::new(),
            releases: Vec::new(),
            exposure: Exposure::Direct,
            serving: Serving::Everything,
            infrastructure: true,
        }
    }

    /// For a folder of manifests on one machine: what is not there does not
    /// exist, and endpoints on `127.0.0.1` are the ordinary case.
    pub fn folder() -> Self {
        Self {
            complete: true,
            reach: Reach::Anywhere,
            infrastructure: false,
            ..Self::cluster()
        }
    }

    /// Obeys the GatewayClasses of this controller. [`CONTROLLER_NAME`] by
    /// default.
    #[must_use]
    pub fn with_controller(mut self, name: impl Into<Arc<str>>) -> Self {
        self.controller = name.into();
        self
    }

    /// Gives these addresses to Gateways that ask for none of their own. Without
    /// any, which is the default, such Gateways listen on every address.
    #[must_use]
    pub fn with_pool(mut self, ranges: impl IntoIterator<Item = AddressRange>) -> Self {
        self.pool = self.pool.iter().copied().chain(ranges).collect();
        self
    }

    /// How clients come to Gateways. [`Exposure::Direct`] by default.
    #[must_use]
    pub fn with_exposure(mut self, exposure: Exposure) -> Self {
        self.exposure = exposure;
        self
    }

    /// Which Gateways are served here; every one is told what became of it. All by
    /// default.
    #[must_use]
    pub fn with_serving(mut self, serving: Serving) -> Self {
        self.serving = serving;
        self
    }

    /// Which Gateways are served here.
    pub fn serving(&self) -> &Serving {
        &self.serving
    }

    pub(super) fn pool_has(&self, address: IpAddr) -> bool {
        self.pool.iter().any(|range| range.contains(address))
    }

    /// Resolves references to this custom filter, because a layer is registered
    /// for it. None by default.
    #[must_use]
    pub fn with_extension(mut self, filter: ExtensionRef) -> Self {
        self.extensions.insert(filter);
        self
    }

    /// The releases of the installed CRDs, as in `v1.7.0`, from their annotation
    /// `gateway.networking.k8s.io/bundle-version`. None by default, which means that
    /// nothing is known of them: files do not pass through CRDs.
    #[must_use]
    pub fn with_releases<R: Into<Arc<str>>>(
        mut self,
        releases: impl IntoIterator<Item = R>,
    ) -> Self {
        self.releases = releases.into_iter().map(Into::into).collect();
        self
    }
}
