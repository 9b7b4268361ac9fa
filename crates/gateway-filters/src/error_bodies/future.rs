//! The response future.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::apply::Remembered;
use super::settings::ErrorBodies;
use crate::answer_body::AnswerBody;

pin_project! {
    /// Response future of [`ErrorBodiesService`](super::ErrorBodiesService).
    ///
    /// Dropping it drops the inner call and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // None if the response is to be left alone.
        plan: Option<(Arc<ErrorBodies>, Remembered)>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, plan: Option<(Arc<ErrorBodies>, Remembered)>) -> Self {
        Self { inner, plan }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;

        let plan = this.plan.take();
        let text = plan.and_then(|(bodies, remembered)| bodies.apply(&remembered, &mut response));
        Poll::Ready(Ok(match text {
            Some(text) => response.map(|_| AnswerBody::from(text)),
            None => response.map(AnswerBody::inner),
        }))
    }
}
