//! The services.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::HeaderModifier;

/// Edits the headers of every request to `S`.
#[derive(Clone, Debug)]
pub struct RequestHeaderModifier<S> {
    inner: S,
    modifier: Arc<HeaderModifier>,
}

impl<S> RequestHeaderModifier<S> {
    pub(super) fn new(inner: S, modifier: Arc<HeaderModifier>) -> Self {
        Self { inner, modifier }
    }
}

impl<S, B> Service<Request<B>> for RequestHeaderModifier<S>
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
        self.modifier.apply(request.headers_mut());
        self.inner.call(request)
    }
}

/// Edits the headers of every response from `S`.
#[derive(Clone, Debug)]
pub struct ResponseHeaderModifier<S> {
    inner: S,
    modifier: Arc<HeaderModifier>,
}

impl<S> ResponseHeaderModifier<S> {
    pub(super) fn new(inner: S, modifier: Arc<HeaderModifier>) -> Self {
        Self { inner, modifier }
    }
}

impl<S, Req, B> Service<Req> for ResponseHeaderModifier<S>
where
    S: Service<Req, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        ResponseFuture::new(self.inner.call(request), Arc::clone(&self.modifier))
    }
}
