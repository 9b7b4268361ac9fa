//! The future of a response with more headers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::apply::WrittenHeaders;

pin_project! {
    /// Response future of [`ResponseHeaderValues`](super::ResponseHeaderValues).
    ///
    /// Dropping it drops the inner call and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        written: WrittenHeaders,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, written: WrittenHeaders) -> Self {
        Self { inner, written }
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

        std::mem::take(this.written).apply(response.headers_mut());

        Poll::Ready(Ok(response))
    }
}
