//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::places::Places;
use super::service::ConcurrencyLimitService;
use super::settings::ConcurrencyLimit;

/// Applies [`ConcurrencyLimitService`]. See the [module docs](super) for an example.
///
/// All services made by one layer, and by its clones, share one limit.
#[derive(Clone, Debug)]
pub struct ConcurrencyLimitLayer {
    places: Arc<Places>,
}

impl ConcurrencyLimitLayer {
    /// Serves as many requests at the same time as `settings` say.
    #[must_use]
    pub fn new(settings: ConcurrencyLimit) -> Self {
        Self {
            places: Arc::new(Places::new(settings)),
        }
    }

    /// What it obeys. When they have not changed, a new configuration should keep the layer:
    /// what a new one serves comes on top of what the old one still does.
    #[must_use]
    pub fn settings(&self) -> &ConcurrencyLimit {
        &self.places.settings
    }

    /// How many requests are served at present.
    #[must_use]
    pub fn serving(&self) -> usize {
        self.places.serving()
    }

    /// How many requests wait at present.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.places.waiting()
    }
}

impl<S> Layer<S> for ConcurrencyLimitLayer {
    type Service = ConcurrencyLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ConcurrencyLimitService::new(inner, Arc::clone(&self.places))
    }
}
