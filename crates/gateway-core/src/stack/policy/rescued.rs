//! Errors become answers before the end of the stack, for layers that want to see all answers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use crate::rescue::rescue;
use crate::{Body, BoxError, grpc};

/// Answers for `S` where that fails, as the end of the exchange would.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Rescued<S> {
    inner: S,
}

impl<S> Rescued<S> {
    pub(in crate::stack) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S> Service<Request<Body>> for Rescued<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = RescuedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        RescuedFuture {
            grpc: grpc::is_call(&request),
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// Dropping it drops the call.
    pub(in crate::stack) struct RescuedFuture<F> {
        #[pin]
        inner: F,
        grpc: bool,
    }
}

impl<F> Future for RescuedFuture<F>
where
    F: Future<Output = Result<Response<Body>, BoxError>>,
{
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));

        Poll::Ready(Ok(result.unwrap_or_else(|error| {
            let (_, response) = rescue(&error, *this.grpc);
            response
        })))
    }
}
