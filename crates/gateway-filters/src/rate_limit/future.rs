//! The response future.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::limiter::RateLimiter;
use super::quota::Standing;
use super::settings::QuotaFields;
use super::wait::Wait;
use crate::deferred::Deferred;

pin_project! {
    /// Response future of [`RateLimitService`](super::RateLimitService).
    ///
    /// Dropping it drops the call to the inner service, or gives up the place in the queue, and
    /// with it the request. What has been counted stays so.
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
    pub(super) fn forward(call: S::Future, told: Option<Standing>) -> Self {
        Self {
            state: State::Forward { call, told },
        }
    }

    pub(super) fn wait(wait: Wait, service: S, request: Req, limiter: RateLimiter) -> Self {
        // Boxed, for few wait: the others stay small.
        let waiting = Box::pin(Waiting {
            turn: Some(wait),
            told: None,
            call: Deferred::new(service, request),
            limiter,
        });
        Self {
            state: State::Wait { waiting },
        }
    }

    pub(super) fn answer(response: Response<B>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answer { response },
        }
    }
}

impl<S, Req, B> Future for ResponseFuture<S, Req, B>
where
    S: Service<Req, Response = Response<B>>,
    B: From<Bytes>,
{
    type Output = Result<Response<B>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { call, told } => {
                let response = ready!(call.poll(cx))?;
                Poll::Ready(Ok(tell(*told, response)))
            }
            StateProj::Wait { waiting } => waiting.as_mut().poll(cx),
            StateProj::Answer { response } => {
                Poll::Ready(Ok(response.take().expect("polled only until ready")))
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
            State::Wait { .. } => "Wait",
            State::Answer { .. } => "Answer",
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
        Forward { #[pin] call: F, told: Option<Standing> },
        Wait { waiting: Pin<Box<Waiting<S, Req>>> },
        Answer { response: Option<Response<B>> },
    }
}

pin_project! {
    /// A request in the queue, and then the call.
    struct Waiting<S, Req>
    where
        S: Service<Req>,
    {
        turn: Option<Wait>,
        told: Option<Standing>,
        #[pin]
        call: Deferred<S, Req>,
        limiter: RateLimiter,
    }
}

impl<S, Req, B> Future for Waiting<S, Req>
where
    S: Service<Req, Response = Response<B>>,
    B: From<Bytes>,
{
    type Output = Result<Response<B>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(turn) = this.turn {
            let turn = ready!(Pin::new(turn).poll(cx));
            *this.turn = None;
            match turn {
                Ok(standing) if this.limiter.fields() == QuotaFields::Always => {
                    *this.told = Some(standing);
                }
                Ok(_) => {}
                Err(standing) => return Poll::Ready(Ok(this.limiter.refusal(standing))),
            }
        }
        let response = ready!(this.call.poll(cx))?;
        Poll::Ready(Ok(tell(*this.told, response)))
    }
}

fn tell<B>(told: Option<Standing>, mut response: Response<B>) -> Response<B> {
    if let Some(standing) = told {
        standing.write(response.headers_mut());
    }
    response
}
