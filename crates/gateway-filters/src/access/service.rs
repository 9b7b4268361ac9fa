//! The service.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::future::ResponseFuture;
use super::settings::AccessControl;

/// Calls `S` with the requests that may pass, and answers the others itself.
///
/// Bodies of responses that cannot be made of bytes have to be wrapped in an
/// [`AnswerBody`](crate::AnswerBody) first.
#[derive(Clone, Debug)]
pub struct AccessService<S> {
    inner: S,
    access: Arc<AccessControl>,
}

impl<S> AccessService<S> {
    pub(super) fn new(inner: S, access: Arc<AccessControl>) -> Self {
        Self { inner, access }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for AccessService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: From<Bytes>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.access.check(&request) {
            Ok(()) => ResponseFuture::forward(self.inner.call(request)),
            Err(denied) => {
                let mut response = self.access.answer().to_response();
                response.extensions_mut().insert(denied);
                ResponseFuture::answer(response)
            }
        }
    }
}
