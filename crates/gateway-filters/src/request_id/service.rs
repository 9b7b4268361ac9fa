//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::RequestIds;

/// Names every request to `S`. It is ready when `S` is.
#[derive(Clone, Debug)]
pub struct RequestIdService<S> {
    inner: S,
    ids: Arc<RequestIds>,
}

impl<S> RequestIdService<S> {
    pub(super) fn new(inner: S, ids: Arc<RequestIds>) -> Self {
        Self { inner, ids }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RequestIdService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let id = self.ids.apply(&mut request);
        let returned = self.ids.returned.then(|| (self.ids.header.clone(), id));

        ResponseFuture::new(self.inner.call(request), returned)
    }
}
