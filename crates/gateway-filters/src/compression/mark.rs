//! Remembers of responses how they came here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE};
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_http::compression::Predicate;
use tower_service::Service;

use super::apply::Worth;

/// An extension of responses that came with a coding. Few do, so few pay for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodedBefore;

/// The status of a response that is left alone, whatever codings the client accepts.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftAlone(pub(super) StatusCode);

/// Marks the responses of `S`.
#[derive(Clone, Debug)]
pub(super) struct Mark<S> {
    inner: S,
    worth: Worth,
}

impl<S> Mark<S> {
    pub(super) fn new(inner: S, worth: Worth) -> Self {
        Self { inner, worth }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Mark<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = MarkFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        // Who refuses the plain text gives it no weight, in digits.
        let mut accepted = request.headers().get_all(ACCEPT_ENCODING).iter();
        let may_refuse = accepted.any(|value| value.as_bytes().contains(&b'0'));
        MarkFuture {
            inner: self.inner.call(request),
            may_refuse: may_refuse.then(|| self.worth.clone()),
        }
    }
}

pin_project! {
    /// Response future of [`Mark`].
    #[derive(Debug)]
    pub(super) struct MarkFuture<F> {
        #[pin]
        inner: F,
        may_refuse: Option<Worth>,
    }
}

impl<F, B, E> Future for MarkFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        let coded = response.headers().contains_key(CONTENT_ENCODING);
        if coded {
            response.extensions_mut().insert(CodedBefore);
        }
        if let Some(worth) = this.may_refuse {
            let whole = !coded && !response.headers().contains_key(CONTENT_RANGE);
            if !(whole && worth.should_compress(&response)) {
                let status = response.status();
                response.extensions_mut().insert(LeftAlone(status));
            }
        }
        Poll::Ready(Ok(response))
    }
}
