//! The response future.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::edits::HeaderEdits;
use super::settings::{InquiryFailed, InquiryTimedOut, OnFailure};
use super::{Inquire, Inquiry, Verdict};
use crate::BoxError;
use crate::answer_body::AnswerBody;

pin_project! {
    /// Response future of [`InquiryService`](super::InquiryService).
    ///
    /// Dropping it drops the question, or the inner call.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody, I>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, S::Future>,
        inquirer: Arc<I>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody, F> {
        Ask {
            question: Inquiry,
            #[pin]
            deadline: Sleep,
            held: Option<(S, Request<ReqBody>)>,
        },
        Forward {
            #[pin]
            call: F,
            edits: Option<HeaderEdits>,
        },
    }
}

impl<S, ReqBody, I> ResponseFuture<S, ReqBody, I>
where
    S: Service<Request<ReqBody>>,
    I: Inquire,
{
    pub(super) fn new(
        inner: S,
        request: Request<ReqBody>,
        question: Inquiry,
        inquirer: Arc<I>,
    ) -> Self {
        Self {
            state: State::Ask {
                question,
                deadline: sleep(inquirer.timeout()),
                held: Some((inner, request)),
            },
            inquirer,
        }
    }
}

impl<S, ReqBody, ResBody, I> Future for ResponseFuture<S, ReqBody, I>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    I: Inquire,
{
    type Output = Result<Response<AnswerBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Ask {
                    question,
                    deadline,
                    held,
                } => {
                    // First, so that an answer that is there wins over a deadline just passed.
                    let outcome = match question.as_mut().poll(cx) {
                        Poll::Ready(outcome) => outcome,
                        Poll::Pending => {
                            ready!(deadline.poll(cx));
                            let after = this.inquirer.timeout();
                            Err(InquiryTimedOut { after }.into())
                        }
                    };
                    let (mut inner, mut request) = held.take().expect("polled only until ready");
                    match decide(this.inquirer.on_failure(), outcome) {
                        Verdict::Pass {
                            request: before,
                            response: after,
                        } => {
                            before.apply(request.headers_mut());
                            State::Forward {
                                call: inner.call(request),
                                edits: Some(after),
                            }
                        }
                        Verdict::Deny(response) => {
                            return Poll::Ready(Ok(response.map(AnswerBody::from)));
                        }
                    }
                }
                StateProj::Forward { call, edits } => {
                    let mut response = ready!(call.poll(cx))?;
                    if let Some(edits) = edits.take() {
                        edits.apply(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response.map(AnswerBody::inner)));
                }
            };
            this.state.set(next);
        }
    }
}

/// What `outcome` means for a request.
fn decide(on_failure: &OnFailure, outcome: Result<Verdict, BoxError>) -> Verdict {
    outcome.unwrap_or_else(|error| match on_failure {
        OnFailure::Allow => Verdict::Pass {
            request: HeaderEdits::new(),
            response: HeaderEdits::new(),
        },
        OnFailure::Deny(answer) => {
            let mut response = answer.to_response();
            // A client never sees it.
            response
                .extensions_mut()
                .insert(InquiryFailed(error.into()));
            Verdict::Deny(response)
        }
    })
}

impl<S, ReqBody, I> fmt::Debug for ResponseFuture<S, ReqBody, I>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ask { .. } => "asking",
            State::Forward { .. } => "calling",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
