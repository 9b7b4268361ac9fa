//! The response future.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::{CountedBody, Side};
use super::settings::{BodyLimit, Foreseen, foresee};
use crate::answer_body::AnswerBody;

type Answered<B> = Response<AnswerBody<CountedBody<B>>>;

pin_project! {
    /// Response future of [`BodyLimitService`](super::BodyLimitService).
    ///
    /// Dropping it drops the inner call, if there is one, and does nothing else.
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
        Forward {
            #[pin]
            inner: F,
            limit: Arc<BodyLimit>,
            // Whether the request's body was found too long; none if it is not counted.
            told: Option<Arc<AtomicBool>>,
        },
        Answer { response: Option<Answered<B>> },
    }
}

impl<F, B> ResponseFuture<F, B> {
    pub(super) fn forward(inner: F, limit: Arc<BodyLimit>, told: Option<Arc<AtomicBool>>) -> Self {
        Self {
            state: State::Forward { inner, limit, told },
        }
    }

    pub(super) fn answer(response: Answered<B>) -> Self {
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
    type Output = Result<Answered<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Forward { inner, limit, told } => {
                Poll::Ready(match ready!(inner.poll(cx)) {
                    Ok(response) => Ok(limited(limit, response)),
                    Err(error) => {
                        let too_long = told.as_ref().is_some_and(|t| t.load(Ordering::Acquire));
                        if too_long {
                            Ok(limit.request_answer().to_response())
                        } else {
                            Err(error)
                        }
                    }
                })
            }
            StateProj::Answer { response } => {
                Poll::Ready(Ok(response.take().expect("polled only until ready")))
            }
        }
    }
}

/// `response`, or what is answered in its place.
fn limited<B: Body<Data = Bytes>>(limit: &BodyLimit, response: Response<B>) -> Answered<B> {
    let Some(bytes) = limit.response() else {
        return response.map(|body| AnswerBody::inner(CountedBody::uncounted(body)));
    };
    match foresee(bytes, response.headers(), response.body()) {
        Foreseen::Beyond => limit.response_answer().to_response(),
        Foreseen::Within => response.map(|body| AnswerBody::inner(CountedBody::uncounted(body))),
        Foreseen::Unknown => response
            .map(|body| AnswerBody::inner(CountedBody::counted(body, bytes, Side::Response, None))),
    }
}
