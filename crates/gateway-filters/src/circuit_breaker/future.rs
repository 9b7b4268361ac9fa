//! The response future.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::BreakerBody;
use super::call::Call;

pin_project! {
    /// Response future of [`CircuitBreakerService`](super::CircuitBreakerService).
    ///
    /// Dropping it drops the inner call, which then counts neither as success nor as error; a
    /// probe makes room for another one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B> {
        #[pin]
        state: State<F, B>,
    }
}

pin_project! {
    #[project = StateProj]
    #[derive(Debug)]
    enum State<F, B> {
        Forward { #[pin] inner: F, call: Option<Call> },
        Answer { response: Option<Response<BreakerBody<B>>> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn forward(inner: F, call: Option<Call>) -> Self {
        Self {
            state: State::Forward { inner, call },
        }
    }

    pub(super) fn answer(response: Response<BreakerBody<B>>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answer { response },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<BreakerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { inner, call } => {
                let outcome = ready!(inner.poll(cx));
                Poll::Ready(judge(outcome, call.take()))
            }
            StateProj::Answer { response } => {
                Poll::Ready(Ok(response.take().expect("polled only until ready")))
            }
        }
    }
}

fn judge<B, E>(
    outcome: Result<Response<B>, E>,
    call: Option<Call>,
) -> Result<Response<BreakerBody<B>>, E>
where
    B: Body<Data = Bytes>,
{
    let Some(mut call) = call else {
        return outcome.map(|response| response.map(|body| BreakerBody::new(body, None)));
    };
    call.answered();
    match outcome {
        Ok(response) => {
            let judgement = call.settings().judge(&response);
            call.judged(judgement);
            let call = Some(call).filter(Call::lasts);
            Ok(response.map(|body| {
                // Nothing will be read of a body that has ended already.
                let call = call.filter(|_| !body.is_end_stream());
                BreakerBody::new(body, call)
            }))
        }
        Err(error) => {
            call.failed();
            Err(error)
        }
    }
}
