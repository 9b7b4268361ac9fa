//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::UrlRewrite;
use crate::BoxError;
use crate::context::RouteContext;

/// Changes the host and path of every request to `S`.
///
/// Fails as `S` does, or with [`UrlTooLong`](super::UrlTooLong).
#[derive(Clone, Debug)]
pub struct UrlRewriteService<S> {
    inner: S,
    rewrite: Arc<UrlRewrite>,
}

impl<S> UrlRewriteService<S> {
    pub(super) fn new(inner: S, rewrite: Arc<UrlRewrite>) -> Self {
        Self { inner, rewrite }
    }
}

impl<S, B> Service<Request<B>> for UrlRewriteService<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let context = RouteContext::of(&request);
        match self.rewrite.apply(&mut request, &context) {
            Ok(()) => ResponseFuture::forward(self.inner.call(request)),
            Err(cause) => ResponseFuture::refuse(cause),
        }
    }
}
