//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::UrlRewriteService;
use super::settings::UrlRewrite;

/// Applies [`UrlRewriteService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct UrlRewriteLayer {
    rewrite: Arc<UrlRewrite>,
}

impl UrlRewriteLayer {
    /// Changes every request by `rewrite`.
    #[must_use]
    pub fn new(rewrite: impl Into<Arc<UrlRewrite>>) -> Self {
        Self {
            rewrite: rewrite.into(),
        }
    }
}

impl<S> Layer<S> for UrlRewriteLayer {
    type Service = UrlRewriteService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        UrlRewriteService::new(inner, Arc::clone(&self.rewrite))
    }
}
