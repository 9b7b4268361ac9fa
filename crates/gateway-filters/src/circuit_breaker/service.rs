//! The service.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::BreakerBody;
use super::call::{Breaker, Call};
use super::future::ResponseFuture;

/// Calls `S` unless too many calls have failed lately.
///
/// It is ready when `S` is.
#[derive(Clone)]
pub struct CircuitBreakerService<S> {
    inner: S,
    breaker: Arc<Breaker>,
}

impl<S> CircuitBreakerService<S> {
    pub(super) fn new(inner: S, breaker: Arc<Breaker>) -> Self {
        Self { inner, breaker }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CircuitBreakerService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body<Data = Bytes>,
{
    type Response = Response<BreakerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.breaker.settings.is_off() {
            return ResponseFuture::forward(self.inner.call(request), None);
        }
        match Call::begin(&self.breaker) {
            Some(call) => ResponseFuture::forward(self.inner.call(request), Some(call)),
            None => {
                let answer = self.breaker.settings.answer().to_response();
                ResponseFuture::answer(answer.map(BreakerBody::answer))
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for CircuitBreakerService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerService")
            .field("inner", &self.inner)
            .field("state", &self.breaker.state())
            .finish_non_exhaustive()
    }
}
