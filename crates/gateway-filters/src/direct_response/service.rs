//! The service.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use crate::answer::Answer;
use crate::answer_body::AnswerBody;

/// Answers every request in the place of a service of type `S`. It is always ready.
pub struct DirectResponseService<S> {
    answer: Arc<Answer>,
    // Only its kind of response matters. It is not kept: a service that was asked whether it is
    // ready may hold something back for a call, and that would never come.
    instead_of: PhantomData<fn(S)>,
}

impl<S> DirectResponseService<S> {
    pub(super) fn new(answer: Arc<Answer>) -> Self {
        Self {
            answer,
            instead_of: PhantomData,
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for DirectResponseService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<ResBody, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<ReqBody>) -> Self::Future {
        ResponseFuture::new(self.answer.to_response())
    }
}

// By hand, as `Debug` below: a derive would ask `S` for what only its place needs.
impl<S> Clone for DirectResponseService<S> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.answer))
    }
}

impl<S> fmt::Debug for DirectResponseService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectResponseService")
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
