//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::ErrorBodies;
use crate::answer_body::AnswerBody;

/// Gives errors from `S` a body. It is ready when `S` is.
#[derive(Clone, Debug)]
pub struct ErrorBodiesService<S> {
    inner: S,
    bodies: Arc<ErrorBodies>,
}

impl<S> ErrorBodiesService<S> {
    pub(super) fn new(inner: S, bodies: Arc<ErrorBodies>) -> Self {
        Self { inner, bodies }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ErrorBodiesService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<AnswerBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let remembered = self.bodies.remember(&request);
        let plan = remembered.map(|remembered| (Arc::clone(&self.bodies), remembered));

        ResponseFuture::new(self.inner.call(request), plan)
    }
}
