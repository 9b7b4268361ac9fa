//! The response future.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

pin_project! {
    /// Response future of [`AccessService`](super::AccessService).
    ///
    /// Dropping it drops the inner call, if there is one, and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn forward(inner: F) -> Self {
        Self {
            state: State::Forward { inner },
        }
    }

    pub(super) fn answer(response: Response<B>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answer { response },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { inner } => inner.poll(cx),
            StateProj::Answer { response } => {
                Poll::Ready(Ok(response.take().expect("polled only until ready")))
            }
        }
    }
}

pin_project! {
    #[project = StateProj]
    #[derive(Debug)]
    enum State<F, B> {
        Forward { #[pin] inner: F },
        Answer { response: Option<Response<B>> },
    }
}
