//! The response future.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::body::BandwidthBody;
use super::settings::Bandwidth;

pin_project! {
    /// Response future of [`ResponseBandwidth`](super::ResponseBandwidth).
    ///
    /// Dropping it drops the inner call and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        bandwidth: Option<Bandwidth>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, bandwidth: Option<Bandwidth>) -> Self {
        Self { inner, bandwidth }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<BandwidthBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let body = |body| BandwidthBody::new(body, *this.bandwidth);
        Poll::Ready(Ok(response.map(body)))
    }
}
