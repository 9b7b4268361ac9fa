//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::ErrorBodiesService;
use super::settings::ErrorBodies;

/// Applies [`ErrorBodiesService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct ErrorBodiesLayer {
    bodies: Arc<ErrorBodies>,
}

impl ErrorBodiesLayer {
    /// Gives errors these bodies.
    #[must_use]
    pub fn new(bodies: impl Into<Arc<ErrorBodies>>) -> Self {
        Self {
            bodies: bodies.into(),
        }
    }
}

impl<S> Layer<S> for ErrorBodiesLayer {
    type Service = ErrorBodiesService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ErrorBodiesService::new(inner, Arc::clone(&self.bodies))
    }
}
