//! The services.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::HeaderValues;

/// Writes headers into every request to `S`.
#[derive(Clone, Debug)]
pub struct RequestHeaderValues<S> {
    inner: S,
    values: Arc<HeaderValues>,
}

impl<S> RequestHeaderValues<S> {
    pub(super) fn new(inner: S, values: Arc<HeaderValues>) -> Self {
        Self { inner, values }
    }
}

impl<S, B> Service<Request<B>> for RequestHeaderValues<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.values.apply(&mut request);
        self.inner.call(request)
    }
}

/// Writes headers into every response from `S`.
#[derive(Clone, Debug)]
pub struct ResponseHeaderValues<S> {
    inner: S,
    values: Arc<HeaderValues>,
}

impl<S> ResponseHeaderValues<S> {
    pub(super) fn new(inner: S, values: Arc<HeaderValues>) -> Self {
        Self { inner, values }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ResponseHeaderValues<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let written = self.values.write(&request);
        ResponseFuture::new(self.inner.call(request), written)
    }
}
