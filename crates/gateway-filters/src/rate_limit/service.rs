//! The service.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use tower_service::Service;

use super::future::ResponseFuture;
use super::limiter::{Decision, RateLimiter};
use super::settings::QuotaFields;
use crate::deferred::for_later;

/// Calls `S` no more often than its limit allows, and answers the other requests itself.
///
/// Requests that wait call a clone of `S`, which is asked whether it is ready when their turn has
/// come.
///
/// Bodies of responses that cannot be made of bytes have to be wrapped in an
/// [`AnswerBody`](crate::AnswerBody) first.
#[derive(Clone, Debug)]
pub struct RateLimitService<S> {
    inner: S,
    limiter: RateLimiter,
}

impl<S> RateLimitService<S> {
    pub(super) fn new(inner: S, limiter: RateLimiter) -> Self {
        Self { inner, limiter }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimitService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S, Request<ReqBody>, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.limiter.decide(&request, Instant::now().into_std()) {
            Decision::Pass(standing) => {
                let tell = self.limiter.fields() == QuotaFields::Always;
                ResponseFuture::forward(self.inner.call(request), tell.then_some(standing))
            }
            Decision::Uncounted => ResponseFuture::forward(self.inner.call(request), None),
            Decision::Wait(wait) => {
                let inner = for_later(&mut self.inner);
                ResponseFuture::wait(wait, inner, request, self.limiter.clone())
            }
            Decision::Refuse(standing) => ResponseFuture::answer(self.limiter.refusal(standing)),
        }
    }
}
