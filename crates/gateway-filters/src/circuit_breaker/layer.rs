//! The layer.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::call::Breaker;
use super::circuit::CircuitState;
use super::service::CircuitBreakerService;
use super::settings::CircuitBreaker;

/// Applies [`CircuitBreakerService`]. See the [module docs](super) for an example.
///
/// All services made by one layer, and by its clones, are one circuit: they open together. So
/// there is a layer for each thing that can fail by itself.
#[derive(Clone)]
pub struct CircuitBreakerLayer {
    breaker: Arc<Breaker>,
}

impl CircuitBreakerLayer {
    /// Stops calls as `settings` say. It is closed at first.
    #[must_use]
    pub fn new(settings: CircuitBreaker) -> Self {
        Self {
            breaker: Arc::new(Breaker::new(settings)),
        }
    }

    /// What it obeys. When they have not changed, a new configuration should keep the layer,
    /// and with it what it has learnt.
    #[must_use]
    pub fn settings(&self) -> &CircuitBreaker {
        &self.breaker.settings
    }

    /// Whether calls are made at present.
    ///
    /// One that has been open for long enough is so until the next call, which is a probe.
    #[must_use]
    pub fn state(&self) -> CircuitState {
        self.breaker.state()
    }
}

impl<S> Layer<S> for CircuitBreakerLayer {
    type Service = CircuitBreakerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakerService::new(inner, Arc::clone(&self.breaker))
    }
}

impl fmt::Debug for CircuitBreakerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerLayer")
            .field("settings", self.settings())
            .field("state", &self.state())
            .finish()
    }
}
