//! The layer.

use std::fmt;

use tower_layer::Layer;

use super::budget::SharedRetryBudget;
use super::policy::RetryPolicy;
use super::service::Retry;

/// Applies [`Retry`]. See the [module docs](super) for an example.
#[derive(Clone)]
pub struct RetryLayer<C> {
    policy: RetryPolicy,
    classify: C,
    budget: Option<SharedRetryBudget>,
}

impl<C> RetryLayer<C> {
    /// Retries as `policy` says; `classify` says of an error what it means.
    ///
    /// `classify` is a `Fn(&E) -> FailedTry` for the inner service's error `E`.
    pub fn new(policy: RetryPolicy, classify: C) -> Self {
        Self {
            policy,
            classify,
            budget: None,
        }
    }

    /// Makes no more retries than `budget` has left. There is no budget by default.
    ///
    /// A budget protects whoever is behind this layer: layers that lead to the same backends
    /// should share one.
    #[must_use]
    pub fn with_budget(mut self, budget: SharedRetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }
}

impl<S, C: Clone> Layer<S> for RetryLayer<C> {
    type Service = Retry<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(
            inner,
            self.policy,
            self.classify.clone(),
            self.budget.clone(),
        )
    }
}

impl<C> fmt::Debug for RetryLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("policy", &self.policy)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
