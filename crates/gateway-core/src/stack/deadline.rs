//! The deadline of an exchange: the rule's, or the client's own if that is sooner.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use gateway_filters::RequestTimeoutLayer;
use gateway_filters::timeout::{RequestTimedOut, ResponseFuture, TimeoutBody};
use http::{Request, Response};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::LiveBackend;
use crate::{Body, BoxError, grpc};

/// Applies the rule's timeout, or what the client of a gRPC call asks for in
/// `grpc-timeout` where the rule has none or a longer one.
#[derive(Clone, Debug)]
pub(super) struct ExchangeDeadline<S> {
    inner: S,
    rule: RequestTimeoutLayer,
}

/// When a request is given up if there is no answer until then: an extension, where that speaks
/// against an endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenUp(pub(super) Instant);

impl GivenUp {
    /// After `limit`, or sooner if `request` says so already.
    pub(super) fn after<B>(limit: Duration, request: &mut Request<B>) {
        let Some(mut at) = Instant::now().checked_add(limit) else {
            return;
        };
        if let Some(known) = request.extensions().get::<Self>() {
            at = at.min(known.0);
        }
        request.extensions_mut().insert(Self(at));
    }
}

/// Tells `request` of its deadline, if one of `backends` wants to know.
pub(super) fn tell_deadline(
    rule: RequestTimeoutLayer,
    backends: &[Arc<LiveBackend>],
    request: &mut Request<Body>,
) {
    if !backends.iter().any(|backend| backend.is_watched()) {
        return;
    }
    let limit = match asked(request) {
        Some(asked) => Some(sooner(rule.limit(), asked)),
        None => rule.limit(),
    };
    if let Some(limit) = limit {
        GivenUp::after(limit, request);
    }
}

impl<S> ExchangeDeadline<S> {
    pub(super) fn new(inner: S, rule: RequestTimeoutLayer) -> Self {
        Self { inner, rule }
    }
}

impl<S> Service<Request<Body>> for ExchangeDeadline<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError>,
{
    type Response = Response<TimeoutBody<Body, RequestTimedOut>>;
    type Error = BoxError;
    type Future = ResponseFuture<S::Future, RequestTimedOut>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let layer = match asked(&request) {
            Some(asked) => RequestTimeoutLayer::new(sooner(self.rule.limit(), asked)),
            None => self.rule,
        };

        layer.layer(&mut self.inner).call(request)
    }
}

fn asked(request: &Request<Body>) -> Option<Duration> {
    if !grpc::is_call(request) {
        return None;
    }
    let asked = grpc::timeout(request.headers())?;

    // Zero would be no limit at all.
    Some(asked.max(Duration::from_nanos(1)))
}

fn sooner(rule: Option<Duration>, asked: Duration) -> Duration {
    rule.map_or(asked, |rule| rule.min(asked))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use http::Version;
    use tokio::time::Instant;
    use tower::{ServiceExt, service_fn};

    use super::*;

    /// How long a call takes that nobody answers.
    async fn waits(rule: Option<Duration>, content_type: &str, timeout: &str) -> Duration {
        let never = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, BoxError>>());
        let service = ExchangeDeadline::new(never, RequestTimeoutLayer::new(rule));
        let request = Request::builder()
            .version(Version::HTTP_2)
            .header("content-type", content_type)
            .header("grpc-timeout", timeout)
            .body(Body::empty());
        let started = Instant::now();

        let call = service.oneshot(request.unwrap());
        match tokio::time::timeout(Duration::from_secs(100), call).await {
            Ok(error) => assert!(error.unwrap_err().is::<RequestTimedOut>()),
            Err(_) => return Duration::MAX,
        }
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn sooner_of_two_deadlines_holds() {
        let second = Duration::from_secs(1);
        let grpc = "application/grpc";

        assert_eq!(waits(None, grpc, "2S").await, 2 * second);
        assert_eq!(waits(Some(5 * second), grpc, "2S").await, 2 * second);
        assert_eq!(waits(Some(second), grpc, "2S").await, second);
        assert_eq!(waits(Some(second), grpc, "soon").await, second);
        assert!(waits(None, grpc, "0S").await < second);
        assert_eq!(waits(None, "text/plain", "2S").await, Duration::MAX);
    }
}
