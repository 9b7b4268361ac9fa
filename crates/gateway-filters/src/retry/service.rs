//! The service.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::ReplayBody;
use super::budget::SharedRetryBudget;
use super::classify::FailedTry;
use super::future::ResponseFuture;
use super::plan::Plan;
use super::policy::RetryPolicy;

/// Calls `S` again when a try fails.
///
/// Each request with attempts to spend clones `S`; the clone makes the retries.
#[derive(Clone)]
pub struct Retry<S, C> {
    inner: S,
    policy: RetryPolicy,
    classify: C,
    budget: Option<SharedRetryBudget>,
}

impl<S, C> Retry<S, C> {
    pub(super) fn new(
        inner: S,
        policy: RetryPolicy,
        classify: C,
        budget: Option<SharedRetryBudget>,
    ) -> Self {
        Self {
            inner,
            policy,
            classify,
            budget,
        }
    }
}

impl<S, C, B, R> Service<Request<B>> for Retry<S, C>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    C: Fn(&S::Error) -> FailedTry + Clone,
    B: Body<Data = Bytes> + Unpin,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S, C, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.policy.attempts() == 0 {
            return ResponseFuture::once(self.inner.call(request.map(ReplayBody::direct)));
        }
        let inner = self.inner.clone();
        let (classify, budget) = (self.classify.clone(), self.budget.clone());
        let (plan, request) = Plan::new(inner, classify, self.policy, budget, request);

        ResponseFuture::planned(self.inner.call(request), plan)
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Retry<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
