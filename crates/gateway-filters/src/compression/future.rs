//! The response future.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http::header::CONTENT_ENCODING;
use http_body::Body;
use pin_project_lite::pin_project;
use tower_http::compression::{CompressionBody, ResponseFuture as CoderFuture};

use super::apply::{Worth, weaken_etag};
use super::mark::{CodedBefore, LeftAlone, MarkFuture};

pin_project! {
    /// Response future of [`CompressionService`](super::CompressionService).
    ///
    /// Dropping it drops the inner call and does nothing else.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: CoderFuture<MarkFuture<F>, Worth>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: CoderFuture<MarkFuture<F>, Worth>) -> Self {
        Self { inner }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<CompressionBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.project().inner.poll(cx))?;

        // A client that accepts nothing is told so of what could be coded, and of nothing else.
        if let Some(LeftAlone(status)) = response.extensions_mut().remove() {
            *response.status_mut() = status;
        }
        let coded = response.headers().contains_key(CONTENT_ENCODING);
        if coded && response.extensions().get::<CodedBefore>().is_none() {
            weaken_etag(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
