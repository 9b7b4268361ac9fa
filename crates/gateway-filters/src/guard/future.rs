//! The response future.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use crate::answer_body::AnswerBody;

pin_project! {
    /// Response future of [`GuardService`](super::GuardService).
    ///
    /// Dropping it drops the inner call, if there is one, and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    #[derive(Debug)]
    enum State<F, B> {
        Forward { #[pin] inner: F },
        Answer { response: Option<Response<AnswerBody<B>>> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn forward(inner: F) -> Self {
        Self {
            state: State::Forward { inner },
        }
    }

    pub(super) fn answer(response: Response<AnswerBody<B>>) -> Self {
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
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { inner } => {
                let response = ready!(inner.poll(cx))?;
                Poll::Ready(Ok(response.map(AnswerBody::inner)))
            }
            StateProj::Answer { response } => {
                Poll::Ready(Ok(response.take().expect("polled only until ready")))
            }
        }
    }
}
