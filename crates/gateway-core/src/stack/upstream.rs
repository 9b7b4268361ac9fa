//! The innermost service: an endpoint of a backend, and a connection to it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use gateway_lb::Balancer;
use gateway_lb::balance::{Outcome, Pick};
use gateway_lb::persistence::Sessions;
use gateway_lb::pool::{Pool, SendFuture, UpstreamBody, UpstreamError, UpstreamErrorKind};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::Service;

use super::StackFuture;
use super::choose::{Chosen, RuleSessions, choose};
use super::deadline::GivenUp;
use super::live::{Active, LiveBackend};
use crate::l4::Addresses;
use crate::l4::proxy_protocol::{header, own};
use crate::model::ProxyVersion;
use crate::{Body, BoxError};

/// Sends requests to one backend.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamService {
    backend: Arc<LiveBackend>,
    pool: Pool<Body>,
    sessions: Option<Arc<Sessions>>,
    patience: Option<Duration>,
}

impl UpstreamService {
    pub(crate) fn new(backend: Arc<LiveBackend>, pool: Pool<Body>) -> Self {
        Self {
            backend,
            pool,
            sessions: None,
            patience: None,
        }
    }

    /// Obeys these sessions rather than those of the backend.
    pub(crate) fn with_sessions(mut self, sessions: Option<Arc<Sessions>>) -> Self {
        self.sessions = sessions;
        self
    }

    /// Knows how long an answer is waited for: what takes longer speaks against an endpoint.
    pub(super) fn with_patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }
}

impl Service<Request<Body>> for UpstreamService {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = UpstreamFuture;

    /// Always ready: limits answer at once instead of making requests wait.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> UpstreamFuture {
        if let Some(sessions) = &self.sessions {
            let sessions = RuleSessions(Arc::clone(sessions));
            request.extensions_mut().insert(sessions);
        }
        if let Some(patience) = self.patience
            && self.backend.is_watched()
        {
            GivenUp::after(patience, &mut request);
        }
        let active = self.backend.active();
        let Some(active) = active.as_ref() else {
            return UpstreamFuture::failed(InvalidBackend.into());
        };
        match &active.guard {
            Some(guard) => UpstreamFuture::Guarded {
                future: guard.stack.clone().call(request),
            },
            None => send(&self.backend, active, &self.pool, request),
        }
    }
}

/// Sends a request to an endpoint of `backend`, which is `active`.
pub(super) fn send(
    backend: &LiveBackend,
    active: &Active,
    pool: &Pool<Body>,
    request: Request<Body>,
) -> UpstreamFuture {
    let Chosen { pick, told } = match choose(backend, active, &request) {
        Ok(chosen) => chosen,
        Err(none) => return UpstreamFuture::failed(none.into()),
    };
    let destination = match active.destination(pick.address()) {
        Ok(destination) => destination,
        Err(impossible) => return UpstreamFuture::failed(impossible.into()),
    };
    let destination = match active.proxy_protocol() {
        Some(version) => destination.with_opening(opening(version, &request)),
        None => destination,
    };

    let watched = active.is_watched().then(|| Watched {
        balancer: Arc::clone(&active.balancer),
        until: request.extensions().get::<GivenUp>().copied(),
    });
    let afterwards =
        (told.is_some() || watched.is_some()).then(|| Box::new(Afterwards { told, watched }));
    UpstreamFuture::Sent {
        send: pool.send(destination, active.protocol, request),
        pick: Some(pick),
        afterwards,
    }
}

/// What is left to do when there is an answer. Nothing, mostly.
pub(crate) struct Afterwards {
    /// What the client is told for it to come back to this endpoint.
    told: Option<(HeaderName, HeaderValue)>,
    /// Who wants to know how the endpoint has answered.
    watched: Option<Watched>,
}

struct Watched {
    balancer: Arc<Balancer>,
    until: Option<GivenUp>,
}

pin_project! {
    /// Dropping it closes the connection, unless it is shared (HTTP/2).
    #[project = UpstreamProj]
    pub(crate) enum UpstreamFuture {
        Sent { #[pin] send: SendFuture<Body>, pick: Option<Pick>, afterwards: Option<Box<Afterwards>> },
        Guarded { future: StackFuture },
        Failed { error: Option<BoxError> },
    }

    impl PinnedDrop for UpstreamFuture {
        fn drop(this: Pin<&mut Self>) {
            if let UpstreamProj::Sent { send, pick, afterwards } = this.project()
                && let (Some(afterwards), Some(pick)) = (afterwards, pick)
                && send.awaits_endpoint()
            {
                afterwards.given_up(pick);
            }
        }
    }
}

impl UpstreamFuture {
    pub(super) fn failed(error: BoxError) -> Self {
        Self::Failed { error: Some(error) }
    }
}

impl Future for UpstreamFuture {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            UpstreamProj::Sent {
                send,
                pick,
                afterwards,
            } => {
                let mut result = ready!(send.poll(cx));
                let mut pick = pick.take().expect("not polled after completion");
                match afterwards.take() {
                    Some(afterwards) => afterwards.run(&mut pick, &mut result),
                    None => told(&mut pick, by_status(&result)),
                }
                let mut response = result?;
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    // Its body is over at once; what it is the head of is not.
                    let at = SwitchedAt {
                        _pick: Arc::new(pick),
                    };
                    response.extensions_mut().insert(at);
                    return Poll::Ready(Ok(response.map(Body::new)));
                }
                Poll::Ready(Ok(response.map(|body| Body::upstream(body, pick))))
            }
            UpstreamProj::Guarded { future } => future.as_mut().poll(cx),
            UpstreamProj::Failed { error } => {
                Poll::Ready(Err(error.take().expect("not polled after completion")))
            }
        }
    }
}

/// The endpoint whose connection has switched protocols: an extension of its response. It counts
/// as one with a request in flight until the last clone is dropped.
#[derive(Clone, Debug)]
pub(crate) struct SwitchedAt {
    _pick: Arc<Pick>,
}

type Answer = Result<Response<UpstreamBody<Body>>, UpstreamError>;

impl Afterwards {
    fn run(self, pick: &mut Pick, answer: &mut Answer) {
        match (self.watched, outcome(answer)) {
            (Some(watched), Some(outcome)) => watched.balancer.answered(pick, outcome),
            (None, _) => told(pick, by_status(answer)),
            (Some(_), None) => {}
        }
        if let (Some((name, value)), Ok(response)) = (self.told, answer) {
            response.headers_mut().append(name, value);
        }
    }

    /// Nobody waits any longer. If that is because it took too long, the endpoint has failed; a
    /// client that has left says nothing.
    fn given_up(&self, pick: &mut Pick) {
        let Some(Watched {
            balancer,
            until: Some(GivenUp(at)),
        }) = &self.watched
        else {
            return;
        };
        if Instant::now() >= *at {
            balancer.answered(pick, Outcome::Failure);
        }
    }
}

fn told(pick: &mut Pick, outcome: Option<Outcome>) {
    if let Some(outcome) = outcome {
        pick.answered(outcome);
    }
}

/// What the request's connection begins with. A mirror's requests, which are ours, are
/// from nobody.
fn opening(version: ProxyVersion, request: &Request<Body>) -> Vec<u8> {
    match request.extensions().get::<Addresses>() {
        Some(ends) => header(version, ends.source, ends.destination),
        None => own(version),
    }
}

/// What an answer says of the endpoint; `None` if it was not the endpoint's doing.
fn outcome(answer: &Answer) -> Option<Outcome> {
    match answer {
        Ok(response) if is_unavailable(response.headers()) => Some(Outcome::Failure),
        Ok(_) | Err(_) => by_status(answer),
    }
}

/// What can be told without a look at the headers. An endpoint that cannot do what it was
/// asked has answered well.
fn by_status(answer: &Answer) -> Option<Outcome> {
    match answer {
        Ok(response) if response.status() == StatusCode::NOT_IMPLEMENTED => Some(Outcome::Success),
        Ok(response) if response.status().is_server_error() => Some(Outcome::Failure),
        Ok(_) => Some(Outcome::Success),
        Err(error) => match error.kind() {
            // The client's doing, or our own limit's.
            UpstreamErrorKind::RequestBody
            | UpstreamErrorKind::InvalidRequest
            | UpstreamErrorKind::Overloaded => None,
            _ => Some(Outcome::Failure),
        },
    }
}

/// Whether a call of gRPC says that it could not be made.
fn is_unavailable(headers: &HeaderMap) -> bool {
    let status = headers.get("grpc-status");
    status.is_some_and(|status| status == UNAVAILABLE)
}

const UNAVAILABLE: &str = "14";

/// A reference that could not be resolved, or a rule without any.
///
/// `HTTPRouteRule.backendRefs` demands 500 for both.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the backend reference is not resolved")]
pub(crate) struct InvalidBackend;
