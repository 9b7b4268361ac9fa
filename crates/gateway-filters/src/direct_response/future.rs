//! The response future.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

use crate::answer_body::AnswerBody;

/// Response future of [`DirectResponseService`](super::DirectResponseService). It is ready at
/// once.
///
/// Dropping it drops the response.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<B, E> {
    response: Option<Response<AnswerBody<B>>>,
    error: PhantomData<fn() -> E>,
}

impl<B, E> ResponseFuture<B, E> {
    pub(super) fn new(response: Response<AnswerBody<B>>) -> Self {
        Self {
            response: Some(response),
            error: PhantomData,
        }
    }
}

// Nothing inside is pinned.
impl<B, E> Unpin for ResponseFuture<B, E> {}

impl<B, E> Future for ResponseFuture<B, E> {
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let response = self.response.take().expect("polled only until ready");
        Poll::Ready(Ok(response))
    }
}
