//! Remembers which responses were coded before they came here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

/// An extension of responses that came with a coding. Few do, so few pay for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodedBefore;

/// Marks the responses of `S`.
#[derive(Clone, Debug)]
pub(super) struct Mark<S>(pub(super) S);

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Mark<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = MarkFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        MarkFuture {
            inner: self.0.call(request),
        }
    }
}

pin_project! {
    /// Response future of [`Mark`].
    #[derive(Debug)]
    pub(super) struct MarkFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for MarkFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.project().inner.poll(cx))?;
        if response.headers().contains_key(CONTENT_ENCODING) {
            response.extensions_mut().insert(CodedBefore);
        }
        Poll::Ready(Ok(response))
    }
}
