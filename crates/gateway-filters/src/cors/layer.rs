//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::CorsService;
use super::settings::Cors;

/// Applies [`CorsService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct CorsLayer {
    cors: Arc<Cors>,
}

impl CorsLayer {
    /// Answers preflights, and edits responses, by `cors`.
    #[must_use]
    pub fn new(cors: impl Into<Arc<Cors>>) -> Self {
        Self { cors: cors.into() }
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = CorsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CorsService::new(inner, Arc::clone(&self.cors))
    }
}
