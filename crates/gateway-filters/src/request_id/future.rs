//! The response future.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderName, Response};
use pin_project_lite::pin_project;

use super::apply::RequestId;

pin_project! {
    /// Response future of [`RequestIdService`](super::RequestIdService).
    ///
    /// Dropping it drops the inner call and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        returned: Option<(HeaderName, RequestId)>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, returned: Option<(HeaderName, RequestId)>) -> Self {
        Self { inner, returned }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;

        if let Some((name, RequestId(id))) = this.returned.take() {
            response.headers_mut().insert(name, id);
        }
        Poll::Ready(Ok(response))
    }
}
