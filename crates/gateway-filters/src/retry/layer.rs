//! The layer.

use std::fmt;

use tower_layer::Layer;

use super::budget::{RetryBudget, SharedRetryBudget};
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
    /// `classify` is a `Fn(&E) -> FailedTry` for the inner service's error `E`. There are no more
    /// retries than [`RetryBudget::new`] has, unless another budget is set, or none.
    pub fn new(policy: RetryPolicy, classify: C) -> Self {
        Self {
            policy,
            classify,
            budget: Some(SharedRetryBudget::new(RetryBudget::new())),
        }
    }

    /// Makes no more retries than `budget` has left.
    ///
    /// A budget protects whoever is behind this layer: layers that lead to the same backends
    /// should share one.
    #[must_use]
    pub fn with_budget(mut self, budget: SharedRetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Makes as many retries as the policy allows, though everything fails.
    ///
    /// For whoever [charges](super::TriedEndpoints::charge) requests to the budgets of backends.
    #[must_use]
    pub fn without_budget(mut self) -> Self {
        self.budget = None;
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
