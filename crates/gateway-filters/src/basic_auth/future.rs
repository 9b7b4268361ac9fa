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
        state: State<S, ReqBody, S::Future>,
        gate: Arc<Gate>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, F> {
        Check {
            checking: Checking,
            held: Option<(S, Request<ReqBody>)>,
        },
        Forward {
            #[pin]
            call: F,
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
        request: Request<ReqBody>,
    ) -> Self {
        Self {
            state: State::decided(gate, verdict, inner, request),
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

impl<S, ReqBody> State<S, ReqBody, S::Future>
where
    S: Service<Request<ReqBody>>,
{
    fn decided(
        gate: &Gate,
        verdict: Verdict,
        inner: &mut S,
        mut request: Request<ReqBody>,
    ) -> Self {
        let answer = match verdict {
            Verdict::Pass(index) => {
                gate.admit(index, &mut request);
                let call = inner.call(request);
                return Self::Forward { call };
            }
            Verdict::Refuse => gate.auth.challenge.clone(),
            Verdict::Overloaded => overloaded(),
        };
        Self::Answer { answer }
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
                    let (mut inner, request) = held.take().expect("polled only until ready");
                    State::decided(this.gate, verdict, &mut inner, request)
                }
                StateProj::Forward { call } => {
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
            State::Forward { .. } => "calling",
            State::Answer { .. } => "answering",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
