//! The response future.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::body::ReplayBody;
use super::classify::FailedTry;
use super::plan::Plan;

pin_project! {
    /// Response future of [`Retry`](super::Retry).
    ///
    /// Dropping it drops the try that is under way; none will follow.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, C, B>
    where
        S: Service<Request<ReplayBody<B>>>,
    {
        #[pin]
        state: State<S::Future>,
        // None if nothing is to be repeated, or no longer.
        plan: Option<Plan<S, C, B>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        Call { #[pin] call: F },
        Pause { #[pin] sleep: Sleep },
        Ready,
    }
}

impl<S, C, B> ResponseFuture<S, C, B>
where
    S: Service<Request<ReplayBody<B>>>,
{
    pub(super) fn once(call: S::Future) -> Self {
        Self {
            state: State::Call { call },
            plan: None,
        }
    }

    pub(super) fn planned(call: S::Future, plan: Plan<S, C, B>) -> Self {
        Self {
            state: State::Call { call },
            plan: Some(plan),
        }
    }
}

impl<S, C, B, R> Future for ResponseFuture<S, C, B>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
    C: Fn(&S::Error) -> FailedTry,
    B: Body<Data = Bytes> + Unpin,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Call { call } => {
                    let outcome = ready!(call.poll(cx));
                    let pause = this.plan.as_mut().and_then(|plan| plan.after(&outcome));
                    let Some(pause) = pause else {
                        // What was kept of the body goes now, not with this future.
                        *this.plan = None;
                        return Poll::Ready(outcome);
                    };
                    State::Pause {
                        sleep: sleep(pause),
                    }
                }
                StateProj::Pause { sleep } => {
                    ready!(sleep.poll(cx));
                    State::Ready
                }
                StateProj::Ready => {
                    let plan = this.plan.as_mut().expect("only a plan pauses");
                    ready!(plan.inner.poll_ready(cx))?;
                    let request = plan.request().expect("`after` made the body ready");
                    State::Call {
                        call: plan.inner.call(request),
                    }
                }
            };
            this.state.set(next);
        }
    }
}

impl<S, C, B> fmt::Debug for ResponseFuture<S, C, B>
where
    S: Service<Request<ReplayBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Call { .. } => "calling",
            State::Pause { .. } => "pausing",
            State::Ready => "getting ready",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
