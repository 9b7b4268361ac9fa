//! The response future.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::body::TimeoutBody;
use super::deadline::Deadline;
use super::error::TimedOut;
use crate::BoxError;

pin_project! {
    /// Response future of [`Timeout`](super::Timeout).
    ///
    /// Dropping it drops the call to the inner service and the timer.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, T> {
        #[pin]
        inner: F,
        deadline: Option<Deadline>,
        // Boxed: most exchanges have no deadline, and all have room for one.
        sleep: Option<Pin<Box<Sleep>>>,
        error: PhantomData<fn() -> T>,
    }
}

impl<F, T> ResponseFuture<F, T> {
    pub(super) fn new(inner: F, deadline: Option<Deadline>) -> Self {
        Self {
            inner,
            deadline,
            sleep: None,
            error: PhantomData,
        }
    }
}

impl<F, T, B, E> Future for ResponseFuture<F, T>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    T: TimedOut,
{
    type Output = Result<Response<TimeoutBody<B, T>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();

        // First, so that an answer that is there wins over a deadline just passed.
        if let Poll::Ready(result) = this.inner.poll(cx) {
            let response = result.map_err(Into::into)?;
            return Poll::Ready(Ok(
                response.map(|body| TimeoutBody::new(body, *this.deadline))
            ));
        }

        let Some(deadline) = *this.deadline else {
            return Poll::Pending;
        };
        let sleep = this
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline.at)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(T::after(deadline.limit).into()))
    }
}

impl<F, T> fmt::Debug for ResponseFuture<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("deadline", &self.deadline)
            .field("armed", &self.sleep.is_some())
            .finish_non_exhaustive()
    }
}
