//! The future of an edited response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::settings::HeaderModifier;

pin_project! {
    /// Response future of [`ResponseHeaderModifier`](super::ResponseHeaderModifier).
    ///
    /// Dropping it drops the inner call and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        modifier: Arc<HeaderModifier>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, modifier: Arc<HeaderModifier>) -> Self {
        Self { inner, modifier }
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

        this.modifier.apply(response.headers_mut());

        Poll::Ready(Ok(response))
    }
}
