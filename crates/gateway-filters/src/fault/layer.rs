//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::random::Random;
use super::service::FaultService;
use super::settings::Fault;

/// Applies [`FaultService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct FaultLayer {
    fault: Arc<Fault>,
    random: Random,
}

impl FaultLayer {
    /// Injects `fault`.
    #[must_use]
    pub fn new(fault: impl Into<Arc<Fault>>) -> Self {
        Self {
            fault: fault.into(),
            random: Random::default(),
        }
    }

    /// Draws numbers that are the same in each run, for requests in the same order.
    ///
    /// All services made then share one sequence, and write to it with each request. By default
    /// numbers are drawn from the thread's own generator.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }
}

impl<S> Layer<S> for FaultLayer {
    type Service = FaultService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        FaultService::new(inner, Arc::clone(&self.fault), self.random.clone())
    }
}
