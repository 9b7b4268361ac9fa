//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::random::Random;
use super::settings::Fault;
use crate::deferred::for_later;

/// Delays some requests to `S`, and answers some in its place.
///
/// Requests that are delayed call a clone of `S`.
///
/// Bodies of responses that cannot be made of bytes have to be wrapped in an
/// [`AnswerBody`](crate::AnswerBody) first.
#[derive(Clone, Debug)]
pub struct FaultService<S> {
    inner: S,
    fault: Arc<Fault>,
    random: Random,
}

impl<S> FaultService<S> {
    pub(super) fn new(inner: S, fault: Arc<Fault>, random: Random) -> Self {
        Self {
            inner,
            fault,
            random,
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for FaultService<S>
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
        let plan = self.fault.plan(|| self.random.draw());
        let answer = self.fault.answer().filter(|_| plan.abort);
        let response = answer.map(|answer| {
            let mut response = answer.to_response();
            // For whoever counts or logs what was not a failure of a backend.
            response.extensions_mut().insert(plan);
            response
        });
        // A timer would take a millisecond for it.
        let delay = plan.delay.filter(|delay| !delay.is_zero());
        match (delay, response) {
            (None, None) => ResponseFuture::forward(self.inner.call(request)),
            (None, Some(response)) => ResponseFuture::answer(response),
            (Some(delay), None) => {
                ResponseFuture::forward_after(delay, for_later(&mut self.inner), request)
            }
            (Some(delay), Some(response)) => ResponseFuture::answer_after(delay, response),
        }
    }
}
