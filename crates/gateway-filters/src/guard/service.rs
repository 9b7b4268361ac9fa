//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::Guard;
use super::future::ResponseFuture;
use crate::answer_body::AnswerBody;

/// Calls `S` with requests that `G` lets pass. It is ready when `S` is.
#[derive(Debug)]
pub struct GuardService<S, G> {
    inner: S,
    guard: Arc<G>,
}

impl<S, G> GuardService<S, G> {
    pub(super) fn new(inner: S, guard: Arc<G>) -> Self {
        Self { inner, guard }
    }
}

impl<S, G, ReqBody, ResBody> Service<Request<ReqBody>> for GuardService<S, G>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    G: Guard,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        match self.guard.check(&mut head) {
            Ok(()) => {
                let request = Request::from_parts(head, body);
                ResponseFuture::forward(self.inner.call(request))
            }
            Err(answer) => ResponseFuture::answer(answer.to_response()),
        }
    }
}

// By hand: a derive would ask it of the guard, who is shared.
impl<S: Clone, G> Clone for GuardService<S, G> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.guard))
    }
}
