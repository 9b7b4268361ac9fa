//! A call that is made later.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// A request that waits for its service, which is asked whether it is ready only once the
    /// request may go.
    ///
    /// So whoever waits holds no place in the service. Dropping it drops the request, or the
    /// call.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Deferred<S, Req>
    where
        S: Service<Req>,
    {
        #[pin]
        state: State<S, Req, S::Future>,
    }
}

impl<S, Req> Deferred<S, Req>
where
    S: Service<Req>,
{
    pub(crate) fn new(service: S, request: Req) -> Self {
        let request = Some(request);
        Self {
            state: State::Waiting { service, request },
        }
    }
}

impl<S, Req> Future for Deferred<S, Req>
where
    S: Service<Req>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Waiting { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let request = request.take().expect("called once");
                    let call = service.call(request);
                    this.state.set(State::Called { call });
                }
                StateProj::Called { call } => return call.poll(cx),
            }
        }
    }
}

/// A clone of `service`, to be called later.
///
/// What `service` reserved when it said that it is ready, as limits and buffers do, is given back:
/// nobody uses it while the request waits, and the clone may need just this.
pub(crate) fn for_later<S: Clone>(service: &mut S) -> S {
    let later = service.clone();
    *service = later.clone();
    later
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req, F> {
        Waiting { service: S, request: Option<Req> },
        Called { #[pin] call: F },
    }
}
