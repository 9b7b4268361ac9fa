//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::GuardService;

/// Applies [`GuardService`]. See the [module docs](super) for an example.
#[derive(Debug)]
pub struct GuardLayer<G> {
    guard: Arc<G>,
}

impl<G> GuardLayer<G> {
    /// Lets requests pass that `guard` lets pass.
    #[must_use]
    pub fn new(guard: impl Into<Arc<G>>) -> Self {
        Self {
            guard: guard.into(),
        }
    }
}

impl<S, G> Layer<S> for GuardLayer<G> {
    type Service = GuardService<S, G>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService::new(inner, Arc::clone(&self.guard))
    }
}

// By hand: a derive would ask it of the guard, who is shared.
impl<G> Clone for GuardLayer<G> {
    fn clone(&self) -> Self {
        Self {
            guard: Arc::clone(&self.guard),
        }
    }
}
