//! The layer.

use tower_layer::Layer;

use super::limiter::RateLimiter;
use super::service::RateLimitService;

/// Applies [`RateLimitService`]. See the [module docs](super) for an example.
///
/// All services it makes, and those of its clones, share one limit.
#[derive(Clone, Debug)]
pub struct RateLimitLayer {
    limiter: RateLimiter,
}

impl RateLimitLayer {
    /// Lets as many requests pass as `limiter` does. [`RateLimit`](super::RateLimit) makes a new
    /// one.
    #[must_use]
    pub fn new(limiter: impl Into<RateLimiter>) -> Self {
        Self {
            limiter: limiter.into(),
        }
    }

    /// The limit and its counts.
    #[must_use]
    pub fn limiter(&self) -> &RateLimiter {
        &self.limiter
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService::new(inner, self.limiter.clone())
    }
}
