//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::ClientAddressService;
use super::settings::TrustedProxies;

/// Applies [`ClientAddressService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct ClientAddressLayer {
    proxies: Arc<TrustedProxies>,
}

impl ClientAddressLayer {
    /// Believes `proxies` about who sent a request.
    #[must_use]
    pub fn new(proxies: impl Into<Arc<TrustedProxies>>) -> Self {
        Self {
            proxies: proxies.into(),
        }
    }
}

impl<S> Layer<S> for ClientAddressLayer {
    type Service = ClientAddressService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientAddressService::new(inner, Arc::clone(&self.proxies))
    }
}
