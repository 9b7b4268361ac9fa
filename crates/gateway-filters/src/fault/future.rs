//! The response future.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::deferred::Deferred;

pin_project! {
    /// Response future of [`FaultService`](super::FaultService).
    ///
    /// Dropping it drops the call to the inner service; during a delay it drops the request, and
    /// there is no call.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, Req, B>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, Req, S::Future, B>,
    }
}

impl<S, Req, B> ResponseFuture<S, Req, B>
where
    S: Service<Req, Response = Response<B>>,
{
    pub(super) fn forward(call: S::Future) -> Self {
        Self {
            state: State::Forward { call },
        }
    }

    pub(super) fn answer(response: Response<B>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answer { response },
        }
    }

    pub(super) fn forward_after(delay: Duration, service: S, request: Req) -> Self {
        Self::after(
            delay,
            After::Forward(Box::pin(Deferred::new(service, request))),
        )
    }

    pub(super) fn answer_after(delay: Duration, response: Response<B>) -> Self {
        Self::after(delay, After::Answer(Some(response)))
    }

    fn after(delay: Duration, after: After<S, Req, B>) -> Self {
        // Boxed, for few are delayed: the others stay small.
        Self {
            state: State::Delay {
                sleep: Some(Box::pin(sleep(delay))),
                after,
            },
        }
    }
}

impl<S, Req, B> Future for ResponseFuture<S, Req, B>
where
    S: Service<Req, Response = Response<B>>,
{
    type Output = Result<Response<B>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { call } => call.poll(cx),
            StateProj::Answer { response } => {
                Poll::Ready(Ok(response.take().expect("polled only until ready")))
            }
            StateProj::Delay { sleep, after } => {
                if let Some(timer) = sleep {
                    ready!(timer.as_mut().poll(cx));
                    *sleep = None;
                }
                match after {
                    After::Forward(call) => call.as_mut().poll(cx),
                    After::Answer(response) => {
                        Poll::Ready(Ok(response.take().expect("polled only until ready")))
                    }
                }
            }
        }
    }
}

impl<S, Req, B> fmt::Debug for ResponseFuture<S, Req, B>
where
    S: Service<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Forward { .. } => "Forward",
            State::Answer { .. } => "Answer",
            State::Delay { .. } => "Delay",
        };
        f.debug_tuple("ResponseFuture").field(&state).finish()
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req, F, B>
    where
        S: Service<Req>,
    {
        Forward { #[pin] call: F },
        Answer { response: Option<Response<B>> },
        Delay { sleep: Option<Pin<Box<Sleep>>>, after: After<S, Req, B> },
    }
}

/// What comes after a delay.
enum After<S, Req, B>
where
    S: Service<Req>,
{
    Forward(Pin<Box<Deferred<S, Req>>>),
    Answer(Option<Response<B>>),
}
