//! The innermost service: an endpoint of a backend, and a connection to it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gateway_lb::Balancer;
use gateway_lb::balance::Pick;
use gateway_lb::pool::{Pool, SendFuture};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::backends::LiveBackend;
use crate::l4::Addresses;
use crate::l4::proxy_protocol::{header, own};
use crate::model::ProxyVersion;
use crate::{Body, BoxError};

/// Sends requests to one backend.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamService {
    backend: Arc<LiveBackend>,
    pool: Pool<Body>,
}

impl UpstreamService {
    pub(crate) fn new(backend: Arc<LiveBackend>, pool: Pool<Body>) -> Self {
        Self { backend, pool }
    }

    fn send(&self, request: Request<Body>) -> Result<UpstreamFuture, BoxError> {
        let active = self.backend.active();
        let active = active.as_ref().ok_or(InvalidBackend)?;
        let pick = pick(&active.balancer)?;
        let destination = active.security.destination(pick.address())?;
        let destination = match active.proxy_protocol() {
            Some(version) => destination.with_opening(opening(version, &request)),
            None => destination,
        };
        let send = self.pool.send(destination, active.protocol, request);
        Ok(UpstreamFuture::Sent {
            send,
            pick: Some(pick),
        })
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

    fn call(&mut self, request: Request<Body>) -> UpstreamFuture {
        self.send(request)
            .unwrap_or_else(|error| UpstreamFuture::Failed { error: Some(error) })
    }
}

pin_project! {
    /// Dropping it closes the connection, unless it is shared (HTTP/2).
    #[project = UpstreamProj]
    pub(crate) enum UpstreamFuture {
        Sent { #[pin] send: SendFuture<Body>, pick: Option<Pick> },
        Failed { error: Option<BoxError> },
    }
}

impl Future for UpstreamFuture {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            UpstreamProj::Sent { send, pick } => {
                let response = ready!(send.poll(cx))?;
                let pick = pick.take().expect("not polled after completion");
                Poll::Ready(Ok(response.map(|body| Body::upstream(body, pick))))
            }
            UpstreamProj::Failed { error } => {
                Poll::Ready(Err(error.take().expect("not polled after completion")))
            }
        }
    }
}

fn pick(balancer: &Balancer) -> Result<Pick, BoxError> {
    Ok(balancer.pick()?)
}

/// What the request's connection begins with. A mirror's requests, which are ours, are
/// from nobody.
fn opening(version: ProxyVersion, request: &Request<Body>) -> Vec<u8> {
    match request.extensions().get::<Addresses>() {
        Some(ends) => header(version, ends.source, ends.destination),
        None => own(version),
    }
}

/// A reference that could not be resolved, or a rule without any.
///
/// `HTTPRouteRule.backendRefs` demands 500 for both.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the backend reference is not resolved")]
pub(crate) struct InvalidBackend;
