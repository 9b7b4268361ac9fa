//! The one place that decides what a client is told when something fails.
//!
//! Causes rise untouched through all layers. Nothing else chooses a status for
//! them; `docs/errors.md` lists every reason with what an operator can do.

use std::error::Error;

use gateway_filters::AnsweredHere;
use gateway_filters::body_limit::{RequestTooLarge, ResponseTooLarge};
use gateway_filters::inquiry::RequestUnreadable;
use gateway_filters::redirect::UnknownHost;
use gateway_filters::retry::{FailedTry, TryGivenUp};
use gateway_filters::timeout::{BackendRequestTimedOut, RequestTimedOut};
use gateway_lb::balance::NoReadyEndpoint;
use gateway_lb::pool::{UpstreamError, UpstreamErrorKind};
use http::{HeaderValue, Response, StatusCode, header};

use crate::admission::Refused;
use crate::stack::{InvalidBackend, InvalidBackendTls, UnresolvedFilter};
use crate::{Body, BoxError, grpc};

/// What the client is told, and whom to blame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The status sent to the client.
    pub status: StatusCode,
    /// Who could have prevented this.
    pub side: Side,
    /// Stable label for metrics and logs, and the text the client sees.
    pub reason: &'static str,
}

/// The side of the gateway on which a failure began. There is no fourth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    /// The client and its network.
    Downstream,
    /// This process or its configuration.
    Gateway,
    /// The backend and its network.
    Upstream,
}

/// No rule of any route on this listener matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no route matches")]
pub(crate) struct NoRoute;

/// A backend and a client that disagree about the protocol from here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum UpgradeMismatch {
    /// Nobody had asked the backend.
    #[error("the backend switched to a protocol that was not asked for")]
    Unasked,
    /// In HTTP/2 a success would say that it has switched.
    #[error("the backend answered a request to switch protocols as any other")]
    Ignored,
}

/// Says what an error means.
///
/// Errors of custom layers that none of the gateway's own causes is behind are
/// [`Failure::UNEXPECTED`].
pub fn diagnose(error: &(dyn Error + 'static)) -> Failure {
    // What limits bodies speaks through whoever was reading one.
    let first = causes(error).find_map(too_large);
    first
        .or_else(|| causes(error).find_map(known))
        .unwrap_or(Failure::UNEXPECTED)
}

/// An error and its sources, from the outside to the inside.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
}

fn too_large(error: &(dyn Error + 'static)) -> Option<Failure> {
    if error.is::<RequestTooLarge>() {
        return Some(Failure::REQUEST_TOO_LARGE);
    }
    error
        .is::<ResponseTooLarge>()
        .then_some(Failure::RESPONSE_TOO_LARGE)
}

/// The response for an error. The client of a gRPC call (`grpc`) is told in its own
/// terms.
pub(crate) fn rescue(error: &BoxError, grpc: bool) -> (Failure, Response<Body>) {
    let failure = diagnose(&**error);
    let mut response = if grpc {
        grpc::answer(failure)
    } else {
        failure.response()
    };
    // For layers that want to know who answered, and why.
    response.extensions_mut().insert(AnsweredHere);
    response.extensions_mut().insert(failure);

    (failure, response)
}

/// What an error means for a retry.
pub(crate) fn failed_try(error: &BoxError) -> FailedTry {
    let is_unsent = |error: &(dyn Error + 'static)| {
        let upstream = error.downcast_ref::<UpstreamError>();
        upstream.is_some_and(UpstreamError::is_unsent)
    };
    if causes(&**error).any(is_unsent) {
        return FailedTry::Unsent;
    }

    let failure = diagnose(&**error);
    match failure.side {
        Side::Upstream => FailedTry::Answered(failure.status),
        Side::Downstream | Side::Gateway => FailedTry::Final,
    }
}

/// The failure that `error` itself, not one of its sources, stands for.
fn known(error: &(dyn Error + 'static)) -> Option<Failure> {
    if error.is::<NoRoute>() {
        return Some(Failure::NO_ROUTE);
    }
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return Some(Failure::refused(*refused));
    }
    // HTTPRouteRule.backendRefs: a reference that is not resolved is 500 …
    if error.is::<InvalidBackend>() || error.is::<InvalidBackendTls>() {
        return Some(Failure::INVALID_BACKEND);
    }
    // … and a Service without ready endpoints 503.
    if error.is::<NoReadyEndpoint>() {
        return Some(Failure::NO_READY_ENDPOINT);
    }
    // HTTPRouteRule.filters: what cannot be resolved must not be skipped.
    if error.is::<UnresolvedFilter>() {
        return Some(Failure::UNRESOLVED_FILTER);
    }
    if error.is::<RequestTimedOut>() {
        return Some(Failure::REQUEST_TIMEOUT);
    }
    if error.is::<BackendRequestTimedOut>() {
        return Some(Failure::BACKEND_REQUEST_TIMEOUT);
    }
    if error.is::<UpgradeMismatch>() {
        return Some(Failure::INVALID_RESPONSE);
    }
    if error.is::<UnknownHost>() {
        return Some(Failure::refused(Refused::Authority));
    }
    if error.is::<RequestUnreadable>() {
        return Some(Failure::REQUEST_BODY);
    }
    if error.is::<TryGivenUp>() {
        return Some(Failure::UNEXPECTED);
    }
    error
        .downcast_ref::<UpstreamError>()
        .map(|error| upstream(error.kind()))
}

fn upstream(kind: UpstreamErrorKind) -> Failure {
    match kind {
        UpstreamErrorKind::Dial | UpstreamErrorKind::Handshake => Failure::CONNECT,
        UpstreamErrorKind::DialTimeout => Failure::CONNECT_TIMEOUT,
        UpstreamErrorKind::InvalidResponse => Failure::INVALID_RESPONSE,
        // The client's own body: neither the backend's doing nor ours.
        UpstreamErrorKind::RequestBody => Failure::REQUEST_BODY,
        UpstreamErrorKind::InvalidRequest => Failure::UNEXPECTED,
        UpstreamErrorKind::Overloaded => Failure::CONNECTION_LIMIT,
        // Non-exhaustive: whatever else goes wrong there is a connection lost.
        _ => Failure::UPSTREAM_CLOSED,
    }
}

impl Failure {
    /// No route of the listener matches.
    pub const NO_ROUTE: Self = Self::new(StatusCode::NOT_FOUND, Side::Downstream, "no_route");
    /// A backend reference that is not resolved, or a rule without any.
    pub const INVALID_BACKEND: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        Side::Gateway,
        "invalid_backend",
    );
    /// A filter that could not be resolved.
    pub const UNRESOLVED_FILTER: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        Side::Gateway,
        "unresolved_filter",
    );
    /// A backend without ready endpoints.
    pub const NO_READY_ENDPOINT: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Side::Upstream,
        "no_ready_endpoint",
    );
    /// A backend has as many connections as it may have, and none became free.
    pub const CONNECTION_LIMIT: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        Side::Gateway,
        "connection_limit",
    );
    /// The whole exchange took too long.
    pub const REQUEST_TIMEOUT: Self = Self::new(
        StatusCode::GATEWAY_TIMEOUT,
        Side::Gateway,
        "request_timeout",
    );
    /// The backend took too long.
    pub const BACKEND_REQUEST_TIMEOUT: Self = Self::new(
        StatusCode::GATEWAY_TIMEOUT,
        Side::Upstream,
        "backend_request_timeout",
    );
    /// No connection to the endpoint.
    pub const CONNECT: Self = Self::new(StatusCode::BAD_GATEWAY, Side::Upstream, "connect");
    /// No connection to the endpoint in time.
    pub const CONNECT_TIMEOUT: Self = Self::new(
        StatusCode::GATEWAY_TIMEOUT,
        Side::Upstream,
        "connect_timeout",
    );
    /// The endpoint closed the connection before it answered.
    pub const UPSTREAM_CLOSED: Self =
        Self::new(StatusCode::BAD_GATEWAY, Side::Upstream, "upstream_closed");
    /// The endpoint answered with something that is not HTTP.
    pub const INVALID_RESPONSE: Self =
        Self::new(StatusCode::BAD_GATEWAY, Side::Upstream, "invalid_response");
    /// The client's body was not what its head had said.
    pub const REQUEST_BODY: Self =
        Self::new(StatusCode::BAD_REQUEST, Side::Downstream, "request_body");
    /// The client's body was longer than is allowed.
    pub const REQUEST_TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        Side::Downstream,
        "request_too_large",
    );
    /// The backend's body was longer than is allowed.
    pub const RESPONSE_TOO_LARGE: Self = Self::new(
        StatusCode::BAD_GATEWAY,
        Side::Upstream,
        "response_too_large",
    );
    /// Nothing the gateway knows.
    pub const UNEXPECTED: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        Side::Gateway,
        "unexpected",
    );

    /// Every failure there is, each once; `docs/errors.md` describes them.
    pub fn all() -> impl Iterator<Item = Self> {
        const BESIDES_REFUSED: [Failure; 14] = [
            Failure::NO_ROUTE,
            Failure::INVALID_BACKEND,
            Failure::UNRESOLVED_FILTER,
            Failure::NO_READY_ENDPOINT,
            Failure::CONNECTION_LIMIT,
            Failure::REQUEST_TIMEOUT,
            Failure::BACKEND_REQUEST_TIMEOUT,
            Failure::CONNECT,
            Failure::CONNECT_TIMEOUT,
            Failure::UPSTREAM_CLOSED,
            Failure::INVALID_RESPONSE,
            Failure::REQUEST_BODY,
            Failure::REQUEST_TOO_LARGE,
            Failure::RESPONSE_TOO_LARGE,
        ];

        let refused = Refused::ALL.into_iter().map(Self::refused);
        BESIDES_REFUSED
            .into_iter()
            .chain(refused)
            .chain([Self::UNEXPECTED])
    }

    /// What a request that was not admitted is told.
    fn refused(refused: Refused) -> Self {
        Self::new(refused.status(), Side::Downstream, refused.reason())
    }

    const fn new(status: StatusCode, side: Side, reason: &'static str) -> Self {
        Self {
            status,
            side,
            reason,
        }
    }

    /// A short text answer. It says no more than the reason: causes are for the log.
    fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.reason));
        *response.status_mut() = self.status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        response
    }
}
