//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::BodyLimitService;
use super::settings::BodyLimit;

/// Applies [`BodyLimitService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct BodyLimitLayer {
    limit: Arc<BodyLimit>,
}

impl BodyLimitLayer {
    /// Refuses bodies that are longer than `limit` says.
    #[must_use]
    pub fn new(limit: impl Into<Arc<BodyLimit>>) -> Self {
        Self {
            limit: limit.into(),
        }
    }
}

impl<S> Layer<S> for BodyLimitLayer {
    type Service = BodyLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BodyLimitService::new(inner, Arc::clone(&self.limit))
    }
}
