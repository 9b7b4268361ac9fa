//! Requests as HTTP/2 wants them.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri, Version};
use http_body::{Body, Frame, SizeHint};

use super::websocket;
use crate::pool::RequestBody;
use crate::pool::destination::Destination;
use crate::pool::error::{Cause, InvalidRequest};

/// Moves the authority from the `Host` field to where HTTP/2 has it.
///
/// A request without one asks for the address itself.
pub(in crate::pool) fn into_http2<B>(
    request: &mut Request<B>,
    destination: &Destination,
) -> Result<(), InvalidRequest> {
    if request.method() == Method::CONNECT {
        return Err(InvalidRequest::Connect);
    }
    websocket::extend(request);
    let authority = match request.headers_mut().remove(HOST) {
        Some(host) => Authority::try_from(host.as_bytes()),
        None => Authority::try_from(destination.address().to_string()),
    }
    .map_err(|_invalid| InvalidRequest::Host)?;

    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(match destination.is_secured() {
        true => Scheme::HTTPS,
        false => Scheme::HTTP,
    });
    parts.authority = Some(authority);
    parts
        .path_and_query
        .get_or_insert_with(|| PathAndQuery::from_static("/"));

    *request.uri_mut() = Uri::from_parts(parts).map_err(|_invalid| InvalidRequest::Target)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}

/// Where a request body leaves its error.
///
/// The codec tells the backend of it by resetting the stream, and then tells us only
/// that the stream was reset.
#[derive(Clone, Debug, Default)]
pub(super) struct BodyFailure(Option<Arc<OnceLock<Cause>>>);

impl BodyFailure {
    pub(super) fn cause(&self) -> Option<Cause> {
        self.0.as_ref()?.get().cloned()
    }

    /// Whether the codec has no more use for the body.
    pub(super) fn is_body_sent(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|slot| Arc::strong_count(slot) == 1)
    }

    fn set(&self, cause: Cause) {
        if let Some(slot) = &self.0 {
            // A body fails once.
            let _: Result<(), Cause> = slot.set(cause);
        }
    }
}

/// A request body that remembers how it failed.
pub(in crate::pool) struct TrackedBody<B> {
    body: B,
    failure: BodyFailure,
}

impl<B: RequestBody> TrackedBody<B> {
    pub(super) fn new(body: B) -> (Self, BodyFailure) {
        // An empty body cannot fail, and most requests have one.
        let failure = if body.is_end_stream() {
            BodyFailure::default()
        } else {
            BodyFailure(Some(Arc::default()))
        };
        let tracked = Self {
            body,
            failure: failure.clone(),
        };
        (tracked, failure)
    }
}

impl<B> TrackedBody<B> {
    pub(super) fn into_inner(self) -> B {
        self.body
    }
}

impl<B: RequestBody> Body for TrackedBody<B> {
    type Data = Bytes;
    type Error = RequestBodyFailed;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyFailed>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| {
                this.failure.set(Arc::from(error.into()));
                RequestBodyFailed
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Stands in for the error that was put aside.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the request body failed")]
pub(in crate::pool) struct RequestBodyFailed;
