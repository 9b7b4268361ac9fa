//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::AccessService;
use super::settings::AccessControl;

/// Applies [`AccessService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct AccessLayer {
    access: Arc<AccessControl>,
}

impl AccessLayer {
    /// Lets pass what `access` does.
    #[must_use]
    pub fn new(access: impl Into<Arc<AccessControl>>) -> Self {
        Self {
            access: access.into(),
        }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessService::new(inner, Arc::clone(&self.access))
    }
}
