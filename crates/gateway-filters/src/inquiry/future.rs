//! The response future.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::edits::HeaderEdits;
use super::forward_body::{Excerpt, Longer};
use super::reading::Reading;
use super::settings::{InquiryFailed, InquiryTimedOut, OnFailure, RequestUnreadable};
use super::{Inquire, Inquiry, Verdict};
use crate::BoxError;
use crate::answer_body::AnswerBody;
use crate::deferred::Deferred;
use crate::retry::ReplayBody;

pin_project! {
    /// Response future of [`InquiryService`](super::InquiryService).
    ///
    /// Dropping it drops what has been read of the request's body, the question, or the inner
    /// call.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody, I>
    where
        S: Service<Request<ReplayBody<ReqBody>>>,
    {
        #[pin]
        state: State<S, ReqBody>,
        inquirer: Arc<I>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody>
    where
        S: Service<Request<ReplayBody<ReqBody>>>,
    {
        Read {
            reading: Option<Reading<ReqBody>>,
            held: Option<(S, Parts)>,
        },
        Ask {
            question: Inquiry,
            #[pin]
            deadline: Sleep,
            held: Option<(S, Request<ReplayBody<ReqBody>>)>,
        },
        Forward {
            #[pin]
            call: Deferred<S, Request<ReplayBody<ReqBody>>>,
            edits: Option<HeaderEdits>,
        },
        Answer { response: Option<Response<Bytes>> },
    }
}

impl<S, ReqBody, I> ResponseFuture<S, ReqBody, I>
where
    S: Service<Request<ReplayBody<ReqBody>>>,
    I: Inquire,
{
    /// Reads a body before it asks.
    pub(super) fn read(inner: S, head: Parts, reading: Reading<ReqBody>, inquirer: Arc<I>) -> Self {
        let state = State::Read {
            reading: Some(reading),
            held: Some((inner, head)),
        };
        Self { state, inquirer }
    }

    /// Asks at once.
    pub(super) fn ask(
        inner: S,
        request: Request<ReplayBody<ReqBody>>,
        shown: Option<Excerpt>,
        inquirer: Arc<I>,
    ) -> Self {
        let state = asking(&*inquirer, inner, request, shown);
        Self { state, inquirer }
    }

    /// Asks nobody.
    pub(super) fn answer(response: Response<Bytes>, inquirer: Arc<I>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answer { response },
            inquirer,
        }
    }
}

/// The question about `request`, of whose body this is shown.
fn asking<S, ReqBody, I: Inquire>(
    inquirer: &I,
    inner: S,
    request: Request<ReplayBody<ReqBody>>,
    shown: Option<Excerpt>,
) -> State<S, ReqBody>
where
    S: Service<Request<ReplayBody<ReqBody>>>,
{
    let (head, body) = request.into_parts();
    State::Ask {
        question: inquirer.inquire(&head, shown),
        deadline: sleep(inquirer.timeout()),
        held: Some((inner, Request::from_parts(head, body))),
    }
}

impl<S, ReqBody, ResBody, I> Future for ResponseFuture<S, ReqBody, I>
where
    S: Service<Request<ReplayBody<ReqBody>>, Response = Response<ResBody>>,
    S::Error: Into<BoxError>,
    I: Inquire,
    ReqBody: Body<Data = Bytes> + Unpin,
    ReqBody::Error: Into<BoxError>,
{
    type Output = Result<Response<AnswerBody<ResBody>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Read { reading, held } => {
                    let under_way = reading.as_mut().expect(ONCE);
                    ready!(under_way.poll(cx)).map_err(RequestUnreadable)?;
                    let (shown, body) = reading.take().expect(ONCE).finish();
                    match beyond(&**this.inquirer, &shown) {
                        Some(response) => State::Answer {
                            response: Some(response),
                        },
                        None => {
                            let (inner, head) = held.take().expect(ONCE);
                            let request = Request::from_parts(head, body);
                            asking(&**this.inquirer, inner, request, Some(shown))
                        }
                    }
                }
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
                    let (inner, mut request) = held.take().expect(ONCE);
                    match decide(&**this.inquirer, outcome) {
                        Verdict::Pass {
                            request: before,
                            response: after,
                        } => {
                            before.apply(request.headers_mut());
                            State::Forward {
                                call: Deferred::new(inner, request),
                                edits: Some(after),
                            }
                        }
                        Verdict::Deny(response) => State::Answer {
                            response: Some(response),
                        },
                    }
                }
                StateProj::Forward { call, edits } => {
                    let mut response = ready!(call.poll(cx)).map_err(Into::into)?;
                    if let Some(edits) = edits.take() {
                        edits.apply(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response.map(AnswerBody::inner)));
                }
                StateProj::Answer { response } => {
                    let response = response.take().expect(ONCE);
                    return Poll::Ready(Ok(response.map(AnswerBody::from)));
                }
            };
            this.state.set(next);
        }
    }
}

const ONCE: &str = "polled only until ready";

/// What is answered to a request of whose body this is not all, where all of it was to be shown.
fn beyond<I: Inquire>(inquirer: &I, shown: &Excerpt) -> Option<Response<Bytes>> {
    match inquirer
        .forward_body()
        .filter(|_| shown.is_partial)?
        .longer()
    {
        Longer::Refuse(answer) => Some(answer.to_response()),
        Longer::Cut => None,
    }
}

/// What `outcome` means for a request.
fn decide<I: Inquire>(inquirer: &I, outcome: Result<Verdict, BoxError>) -> Verdict {
    outcome.unwrap_or_else(|error| match inquirer.on_failure() {
        OnFailure::Allow => Verdict::Pass {
            request: inquirer.edits_on_failure(),
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
    S: Service<Request<ReplayBody<ReqBody>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Read { .. } => "reading",
            State::Ask { .. } => "asking",
            State::Forward { .. } => "calling",
            State::Answer { .. } => "answering",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
