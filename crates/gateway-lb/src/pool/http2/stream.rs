//! One exchange on a shared connection.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::TryFutureExt;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::TrySendError;

use super::connection::{Http2Connection, Seat};
use super::message::{BodyFailure, TrackedBody};
use super::websocket::{self, Asked};
use crate::pool::RequestBody;
use crate::pool::error::{InvalidResponse, UpstreamError, UpstreamErrorKind};

/// Without an error the codec was not asked: the backend takes no extended CONNECT.
type Sent<B> = Result<Response<Incoming>, Option<TrySendError<Request<TrackedBody<B>>>>>;

/// How an exchange came out.
pub(in crate::pool) enum Outcome<B> {
    /// The head of a response, and the stream for its body.
    Answered(Response<Incoming>, Stream),
    /// The head of a response behind which another protocol begins, as HTTP/1.1 has it.
    Switched(Response<()>),
    /// The connection was closed before the request was begun; here it is again.
    Unsent(Request<B>, UpstreamError),
    /// There is no response.
    Failed(UpstreamError),
}

/// A request and the wait for its response. Dropping it resets the stream.
pub(in crate::pool) struct Exchange<B> {
    // The codec's future has no name.
    sent: Pin<Box<dyn Future<Output = Sent<B>> + Send>>,
    stream: Option<Stream>,
    asked: Option<Asked>,
}

impl<B: RequestBody> Exchange<B> {
    pub(in crate::pool) fn new(
        mut connection: Http2Connection<B>,
        seat: Seat,
        request: Request<B>,
    ) -> Self {
        let (head, body) = request.into_parts();
        let (body, failure) = TrackedBody::new(body);
        let stream = Stream {
            failure,
            _seat: seat,
        };
        let mut request = Request::from_parts(head, body);
        let asked = websocket::asked(&mut request);

        Self {
            sent: match &asked {
                None => {
                    let sent = connection.sender().try_send_request(request);
                    Box::pin(sent.map_err(Some))
                }
                Some(_) => Box::pin(async move {
                    if !connection.takes_extended_connect().await {
                        return Err(None);
                    }
                    let sent = connection.sender().try_send_request(request).await;
                    sent.map_err(Some)
                }),
            },
            stream: Some(stream),
            asked,
        }
    }
}

impl<B> Exchange<B> {
    /// Whether nothing is left of the request.
    pub(in crate::pool) fn is_request_sent(&self) -> bool {
        let stream = self.stream.as_ref();
        stream.is_none_or(|stream| stream.failure.is_body_sent())
    }

    pub(in crate::pool) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<B>> {
        let sent = ready!(self.sent.as_mut().poll(cx));
        let stream = self
            .stream
            .take()
            .expect("an exchange is not polled after its outcome");
        Poll::Ready(match sent {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                // HTTP/2 has no such response (RFC 9113 section 8.6).
                let reason = InvalidResponse::UnaskedUpgrade;
                Outcome::Failed(UpstreamError::invalid_response(reason))
            }
            Ok(response) => match self.asked.take() {
                Some(asked) if response.status() == StatusCode::OK => {
                    let switched = asked.switch(response, stream);
                    switched.map_or_else(Outcome::Failed, Outcome::Switched)
                }
                _ => Outcome::Answered(response, stream),
            },
            Err(None) => {
                let reason = InvalidResponse::NoExtendedConnect;
                Outcome::Failed(UpstreamError::invalid_response(reason))
            }
            Err(Some(mut error)) => match error.take_message() {
                Some(request) => {
                    let closed = UpstreamError::new(UpstreamErrorKind::Closed)
                        .with_source(error.into_error())
                        .with_unsent(true);
                    Outcome::Unsent(request.map(TrackedBody::into_inner), closed)
                }
                None => Outcome::Failed(stream.lost(error.into_error())),
            },
        })
    }
}

/// What there is to say about a stream, until it is dropped.
pub(in crate::pool) struct Stream {
    failure: BodyFailure,
    _seat: Seat,
}

impl Stream {
    /// The next frame of the response's body.
    pub(in crate::pool) fn poll_body(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let frame = ready!(Pin::new(body).poll_frame(cx));
        Poll::Ready(
            frame.map(|frame| {
                frame.map_err(|error| self.blame(UpstreamErrorKind::ResponseBody, error))
            }),
        )
    }

    /// The error of a stream that ended before its response.
    fn lost(&self, error: hyper::Error) -> UpstreamError {
        let cause = http2_cause(&error);
        // The backend says itself that it did not look: RFC 9113 section 8.7.
        let is_refused = cause.is_some_and(|cause| {
            let reason = cause.reason();
            cause.is_remote()
                && (reason == Some(h2::Reason::REFUSED_STREAM)
                    || cause.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
        });
        if is_refused {
            return UpstreamError::new(UpstreamErrorKind::Refused)
                .with_source(error)
                .with_unsent(true);
        }
        // Errors that begin here are complaints about what the backend sent.
        let is_invalid = cause.is_some_and(|cause| cause.is_library() && !cause.is_io());
        let kind = if is_invalid {
            UpstreamErrorKind::InvalidResponse
        } else {
            UpstreamErrorKind::Closed
        };
        self.blame(kind, error)
    }

    // If the client failed, then whatever the stream says is a consequence of it.
    fn blame(&self, kind: UpstreamErrorKind, error: hyper::Error) -> UpstreamError {
        match self.failure.cause() {
            Some(cause) => UpstreamError::new(UpstreamErrorKind::RequestBody).with_cause(cause),
            None => UpstreamError::new(kind).with_source(error),
        }
    }
}

fn http2_cause(error: &hyper::Error) -> Option<&h2::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}
