//! The layer.

use std::fmt;

use tower_layer::Layer;

use super::policy::RetryPolicy;
use super::service::Retry;

/// Applies [`Retry`]. See the [module docs](super) for an example.
#[derive(Clone, Copy)]
pub struct RetryLayer<C> {
    policy: RetryPolicy,
    classify: C,
}

impl<C> RetryLayer<C> {
    /// Retries as `policy` says; `classify` says of an error what it means.
    ///
    /// `classify` is a `Fn(&E) -> FailedTry` for the inner service's error `E`.
    pub fn new(policy: RetryPolicy, classify: C) -> Self {
        Self { policy, classify }
    }
}

impl<S, C: Clone> Layer<S> for RetryLayer<C> {
    type Service = Retry<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, self.policy, self.classify.clone())
    }
}

impl<C> fmt::Debug for RetryLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
