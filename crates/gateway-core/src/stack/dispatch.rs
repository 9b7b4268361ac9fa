//! Chooses among a rule's backends by weight.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use gateway_lb::Distribution;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::upstream::InvalidBackend;
use crate::{Body, BoxError};

/// Sends each request to one of `legs`, in proportion to their weights.
#[derive(Debug)]
pub(crate) struct Dispatch<L> {
    legs: Arc<Distribution<L>>,
}

impl<L> Dispatch<L> {
    pub(crate) fn new(legs: impl IntoIterator<Item = (L, u32)>) -> Self {
        Self {
            legs: Arc::new(legs.into_iter().collect()),
        }
    }
}

impl<L> Clone for Dispatch<L> {
    fn clone(&self) -> Self {
        Self {
            legs: Arc::clone(&self.legs),
        }
    }
}

impl<L> Service<Request<Body>> for Dispatch<L>
where
    L: Service<Request<Body>, Response = Response<Body>, Error = BoxError> + Clone,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = DispatchFuture<L::Future>;

    /// Always ready, as all legs are: which one is meant is not known before the
    /// request is.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.legs.choose() {
            Some(leg) => DispatchFuture::Leg {
                inner: leg.clone().call(request),
            },
            None => DispatchFuture::NoBackend,
        }
    }
}

pin_project! {
    /// Answers what the chosen leg answers.
    #[project = DispatchProj]
    pub(crate) enum DispatchFuture<F> {
        Leg { #[pin] inner: F },
        NoBackend,
    }
}

impl<F> Future for DispatchFuture<F>
where
    F: Future<Output = Result<Response<Body>, BoxError>>,
{
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            DispatchProj::Leg { inner } => inner.poll(cx),
            DispatchProj::NoBackend => Poll::Ready(Err(InvalidBackend.into())),
        }
    }
}
