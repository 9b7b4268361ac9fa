//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::RequestIdService;
use super::settings::RequestIds;

/// Applies [`RequestIdService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct RequestIdLayer {
    ids: Arc<RequestIds>,
}

impl RequestIdLayer {
    /// Names every request as `ids` say.
    #[must_use]
    pub fn new(ids: impl Into<Arc<RequestIds>>) -> Self {
        Self { ids: ids.into() }
    }
}

impl<S> Layer<S> for RequestIdLayer {
    type Service = RequestIdService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestIdService::new(inner, Arc::clone(&self.ids))
    }
}
