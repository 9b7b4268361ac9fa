//! The future of a rewritten request.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::error::UrlTooLong;
use crate::BoxError;

pin_project! {
    /// Response future of [`UrlRewriteService`](super::UrlRewriteService).
    ///
    /// Dropping it drops the inner call, if there is one, and does nothing else.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn forward(inner: F) -> Self {
        Self {
            state: State::Forward { inner },
        }
    }

    pub(super) fn refuse(cause: UrlTooLong) -> Self {
        Self {
            state: State::Refuse { cause },
        }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { inner } => inner.poll(cx).map_err(Into::into),
            StateProj::Refuse { cause } => Poll::Ready(Err((*cause).into())),
        }
    }
}

pin_project! {
    #[project = StateProj]
    #[derive(Debug)]
    enum State<F> {
        Forward { #[pin] inner: F },
        Refuse { cause: UrlTooLong },
    }
}
