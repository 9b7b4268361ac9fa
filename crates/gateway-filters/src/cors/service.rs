//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::request::CorsStep;
use super::settings::Cors;

/// Answers preflights for `S`, and edits its responses to other requests.
#[derive(Clone, Debug)]
pub struct CorsService<S> {
    inner: S,
    cors: Arc<Cors>,
}

impl<S> CorsService<S> {
    pub(super) fn new(inner: S, cors: Arc<Cors>) -> Self {
        Self { inner, cors }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for CorsService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.cors.request(request.method(), request.headers()) {
            CorsStep::Answer(preflight) => ResponseFuture::answer(preflight.into_response()),
            CorsStep::Forward(cors) => ResponseFuture::forward(self.inner.call(request), cors),
        }
    }
}
