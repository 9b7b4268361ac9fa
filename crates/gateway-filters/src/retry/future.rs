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
        Call {
            #[pin]
            call: F,
            // Until this try is given up for another one.
            #[pin]
            limit: Option<Sleep>,
        },
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
            state: State::Call { call, limit: None },
            plan: None,
        }
    }

    pub(super) fn planned(call: S::Future, plan: Plan<S, C, B>) -> Self
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let limit = plan.try_timeout().map(sleep);
        Self {
            state: State::Call { call, limit },
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
                StateProj::Call { call, mut limit } => {
                    // First, so that an answer that is there wins over a limit just passed.
                    let pause = if let Poll::Ready(outcome) = call.poll(cx) {
                        let pause = this.plan.as_mut().and_then(|plan| plan.after(&outcome));
                        if pause.is_none() {
                            // What was kept of the body goes now, not with this future.
                            *this.plan = None;
                            return Poll::Ready(outcome);
                        }
                        pause
                    } else {
                        let Some(sleep) = limit.as_mut().as_pin_mut() else {
                            return Poll::Pending;
                        };
                        ready!(sleep.poll(cx));
                        // If there is to be no other try, this one goes on.
                        limit.set(None);
                        this.plan.as_mut().and_then(Plan::give_up)
                    };
                    match pause.map(sleep) {
                        Some(sleep) => State::Pause { sleep },
                        None => return Poll::Pending,
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
                        limit: plan.try_timeout().map(sleep),
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
