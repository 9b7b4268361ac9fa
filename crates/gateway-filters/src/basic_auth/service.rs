//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::check::{Decision, Gate};
use super::future::ResponseFuture;
use crate::answer_body::AnswerBody;
use crate::deferred::for_later;

/// Calls `S` for users with the right password. It is ready when `S` is.
///
/// A request that waits for a slow hash holds no place in `S`: that is asked again when it passes.
#[derive(Clone, Debug)]
pub struct BasicAuthService<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S> BasicAuthService<S> {
    pub(super) fn new(inner: S, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BasicAuthService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.gate.decide(request.headers()) {
            Decision::Now(verdict) => {
                ResponseFuture::now(&self.gate, verdict, &mut self.inner, request)
            }
            Decision::Later(checking) => {
                let inner = for_later(&mut self.inner);
                ResponseFuture::later(&self.gate, checking, inner, request)
            }
        }
    }
}
