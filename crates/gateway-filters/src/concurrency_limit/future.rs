//! The response future.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use super::body::LimitedBody;
use super::places::{Places, Queued};

pin_project! {
    /// Response future of [`ConcurrencyLimitService`](super::ConcurrencyLimitService).
    ///
    /// Dropping it leaves the queue, or drops the inner call and gives its place to the next.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, ReqBody, ResBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, S::Future, ReqBody, ResBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, ReqBody, ResBody> {
        Wait {
            queued: Queued,
            // Armed for every request that waits, so not worth a box of its own.
            #[pin]
            deadline: Sleep,
            held: Option<(S, Request<ReqBody>)>,
            places: Arc<Places>,
        },
        Forward {
            #[pin]
            call: F,
            permit: Option<OwnedSemaphorePermit>,
        },
        Answer {
            response: Option<Response<LimitedBody<ResBody>>>,
        },
    }
}

impl<S, ReqBody, ResBody> ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn forward(call: S::Future, permit: OwnedSemaphorePermit) -> Self {
        Self {
            state: State::Forward {
                call,
                permit: Some(permit),
            },
        }
    }

    pub(super) fn wait(
        inner: S,
        request: Request<ReqBody>,
        queued: Queued,
        places: Arc<Places>,
    ) -> Self {
        Self {
            state: State::Wait {
                queued,
                deadline: sleep(places.settings.wait()),
                held: Some((inner, request)),
                places,
            },
        }
    }

    pub(super) fn answer(response: Response<LimitedBody<ResBody>>) -> Self {
        Self {
            state: State::Answer {
                response: Some(response),
            },
        }
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body<Data = Bytes>,
{
    type Output = Result<Response<LimitedBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Wait {
                    queued,
                    deadline,
                    held,
                    places,
                } => {
                    // First, so that a turn that came wins over a deadline just passed.
                    let permit = match queued.turn.as_mut().poll(cx) {
                        Poll::Ready(permit) => permit,
                        Poll::Pending => {
                            ready!(deadline.poll(cx));
                            None
                        }
                    };
                    match (permit, held.take()) {
                        (Some(permit), Some((mut inner, request))) => State::Forward {
                            call: inner.call(request),
                            permit: Some(permit),
                        },
                        _ => State::Answer {
                            response: Some(
                                places
                                    .settings
                                    .answer()
                                    .to_response()
                                    .map(LimitedBody::answer),
                            ),
                        },
                    }
                }
                StateProj::Forward { call, permit } => {
                    let outcome = ready!(call.poll(cx));
                    let permit = permit.take();
                    return Poll::Ready(
                        outcome.map(|head| head.map(|body| LimitedBody::new(body, permit))),
                    );
                }
                StateProj::Answer { response } => {
                    let response = response.take().expect("polled only until ready");
                    return Poll::Ready(Ok(response));
                }
            };
            state.set(next);
        }
    }
}

impl<S, ReqBody, ResBody> fmt::Debug for ResponseFuture<S, ReqBody, ResBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Wait { .. } => "waiting",
            State::Forward { .. } => "calling",
            State::Answer { .. } => "refused",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
