//! The innermost service: an endpoint of a backend, and a connection to it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use gateway_filters::retry::TriedEndpoints;
use gateway_lb::Balancer;
use gateway_lb::balance::Pick;
use gateway_lb::pool::{Pool, Protocol, SendFuture};
use http::{HeaderMap, Request, Response, header};
use pin_project_lite::pin_project;
use tower::Service;

use super::backends::LiveBackend;
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

    fn send(&self, mut request: Request<Body>) -> Result<UpstreamFuture, BoxError> {
        let active = self.backend.active();
        let active = active.as_ref().ok_or(InvalidBackend)?;
        if active.protocol == Protocol::Http2 {
            // HTTP/2 has no such fields (RFC 9113, section 8.2.2).
            remove_upgrade(request.headers_mut());
        }

        let tried = request.extensions().get::<TriedEndpoints>();
        let pick = pick(&active.balancer, tried)?;
        let destination = active.security.destination(pick.address())?;
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

/// An endpoint, and another one for each try, as long as there is another.
fn pick(balancer: &Balancer, tried: Option<&TriedEndpoints>) -> Result<Pick, BoxError> {
    let Some(tried) = tried else {
        return Ok(balancer.pick()?);
    };
    let pick = balancer.pick_avoiding(&tried.addresses())?;
    tried.note(pick.address());
    Ok(pick)
}

fn remove_upgrade(headers: &mut HeaderMap) {
    headers.remove(header::UPGRADE);
    headers.remove(header::CONNECTION);
}

/// A reference that could not be resolved, or a rule without any.
///
/// `HTTPRouteRule.backendRefs` demands 500 for both.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the backend reference is not resolved")]
pub(crate) struct InvalidBackend;
