//! The future of a redirect.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

use super::error::UnknownHost;
use crate::BoxError;

/// Response future of [`RedirectService`](super::RedirectService). It is ready at once.
///
/// Dropping it drops the response.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<B> {
    state: State<B>,
}

impl<B> ResponseFuture<B> {
    pub(super) fn new(outcome: Result<Response<B>, UnknownHost>) -> Self {
        let state = match outcome {
            Ok(response) => State::Answer {
                response: Some(response),
            },
            Err(cause) => State::Refuse { cause },
        };
        Self { state }
    }
}

// Nothing inside is pinned.
impl<B> Unpin for ResponseFuture<B> {}

impl<B> Future for ResponseFuture<B> {
    type Output = Result<Response<B>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match &mut self.state {
            State::Answer { response } => Ok(response.take().expect("polled only until ready")),
            State::Refuse { cause } => Err((*cause).into()),
        })
    }
}

#[derive(Debug)]
enum State<B> {
    Answer { response: Option<Response<B>> },
    Refuse { cause: UnknownHost },
}
