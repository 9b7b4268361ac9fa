//! The response future.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Request, Response, StatusCode, header};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::check::{Checking, Gate, Verdict};
use crate::answer::Answer;
use crate::answer_body::AnswerBody;
use crate::deferred::Deferred;

pin_project! {
    /// Response future of [`BasicAuthService`](super::BasicAuthService).
    ///
    /// Dropping it drops the inner call, or its place among those who wait for a slow hash. One
    /// that is being computed already is computed to its end.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody>,
        gate: Arc<Gate>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Check {
            checking: Checking,
            held: Option<(S, Request<ReqBody>)>,
        },
        Forward {
            #[pin]
            call: S::Future,
        },
        Later {
            #[pin]
            call: Deferred<S, Request<ReqBody>>,
        },
        Answer {
            answer: Answer,
        },
    }
}

impl<S, ReqBody> ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn now(
        gate: &Arc<Gate>,
        verdict: Verdict,
        inner: &mut S,
        mut request: Request<ReqBody>,
    ) -> Self {
        let state = match gate.refusal(verdict, &mut request) {
            Some(answer) => State::Answer { answer },
            None => State::Forward {
                call: inner.call(request),
            },
        };
        Self {
            state,
            gate: Arc::clone(gate),
        }
    }

    pub(super) fn later(
        gate: &Arc<Gate>,
        checking: Checking,
        inner: S,
        request: Request<ReqBody>,
    ) -> Self {
        Self {
            state: State::Check {
                checking,
                held: Some((inner, request)),
            },
            gate: Arc::clone(gate),
        }
    }
}

impl Gate {
    /// What is answered to `request`; if nothing is, it is made ready to pass.
    fn refusal<B>(&self, verdict: Verdict, request: &mut Request<B>) -> Option<Answer> {
        match verdict {
            Verdict::Pass(index) => {
                self.admit(index, request);
                None
            }
            Verdict::Refuse => Some(self.auth.challenge.clone()),
            Verdict::Overloaded => Some(overloaded()),
        }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<AnswerBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Check { checking, held } => {
                    let verdict = ready!(checking.as_mut().poll(cx));
                    let (inner, mut request) = held.take().expect("polled only until ready");
                    match this.gate.refusal(verdict, &mut request) {
                        Some(answer) => State::Answer { answer },
                        None => State::Later {
                            call: Deferred::new(inner, request),
                        },
                    }
                }
                StateProj::Forward { call } => {
                    let response = ready!(call.poll(cx))?;
                    return Poll::Ready(Ok(response.map(AnswerBody::inner)));
                }
                StateProj::Later { call } => {
                    let response = ready!(call.poll(cx))?;
                    return Poll::Ready(Ok(response.map(AnswerBody::inner)));
                }
                StateProj::Answer { answer } => return Poll::Ready(Ok(answer.to_response())),
            };
            this.state.set(next);
        }
    }
}

/// What is told to those for whom there is no place in the queue.
fn overloaded() -> Answer {
    let text = "too many passwords are being checked";
    Answer::text(StatusCode::SERVICE_UNAVAILABLE, text)
        .and_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

impl<S, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Check { .. } => "checking",
            State::Forward { .. } | State::Later { .. } => "calling",
            State::Answer { .. } => "answering",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
