//! The body of a response, which gives its connection back.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::codec::BoxHttp1Connection;
use super::error::UpstreamError;
use super::handle::Handle;
use super::http2::Stream;

/// The body of a response from a [`Pool`](super::Pool).
///
/// At its end an HTTP/1 connection goes back to the pool of the thread that saw the
/// end, provided that the request was written to its end too.
///
/// # Cancellation
///
/// Dropping the body before its end closes the HTTP/1 connection, or resets the
/// HTTP/2 stream. While a request is still being uploaded on HTTP/1, it is reading
/// this body that moves it along.
///
/// # Errors
///
/// A body that the backend did not finish ends in an [`UpstreamError`], never in a
/// clean end.
pub struct UpstreamBody<B: Send> {
    source: Source<B>,
}

enum Source<B: Send> {
    /// All of it is here, and the connection is free again.
    Whole(Bytes),
    Http1 {
        connection: BoxHttp1Connection<B>,
        handle: Handle<B>,
    },
    Http2 {
        incoming: Incoming,
        stream: Stream,
    },
    Ended,
}

impl<B: Send> UpstreamBody<B> {
    /// The body that `connection` has begun to receive.
    pub(super) fn http1(mut connection: BoxHttp1Connection<B>, handle: &Handle<B>) -> Self {
        let source = match connection.take_whole_body() {
            Some(whole) => {
                give_back(connection, handle);
                Source::Whole(whole)
            }
            // Nobody polls a body that is empty.
            None if connection.is_end_stream() => {
                give_back(connection, handle);
                Source::Ended
            }
            None => Source::Http1 {
                connection,
                handle: handle.clone(),
            },
        };
        Self { source }
    }

    pub(super) fn http2(incoming: Incoming, stream: Stream) -> Self {
        let mut body = Self {
            source: Source::Http2 { incoming, stream },
        };
        body.end_if_complete();
        body
    }

    /// The body of a response that cannot have one.
    pub(super) fn none() -> Self {
        Self {
            source: Source::Ended,
        }
    }

    fn end_if_complete(&mut self) {
        let is_complete = match &self.source {
            Source::Http1 { connection, .. } => connection.is_end_stream(),
            Source::Http2 { incoming, .. } => incoming.is_end_stream(),
            Source::Whole(_) | Source::Ended => false,
        };
        if is_complete {
            self.end();
        }
    }

    fn end(&mut self) {
        let ended = std::mem::replace(&mut self.source, Source::Ended);
        if let Source::Http1 { connection, handle } = ended {
            give_back(connection, &handle);
        }
    }
}

impl<B: Send> Body for UpstreamBody<B> {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let this = self.get_mut();
        let frame = match &mut this.source {
            Source::Whole(whole) => {
                let whole = std::mem::take(whole);
                this.source = Source::Ended;
                return Poll::Ready(Some(Ok(Frame::data(whole))));
            }
            Source::Http1 { connection, .. } => connection.poll_body(cx),
            Source::Http2 { incoming, stream } => stream.poll_body(incoming, cx),
            Source::Ended => return Poll::Ready(None),
        };
        match &frame {
            Poll::Ready(Some(Ok(_))) => this.end_if_complete(),
            Poll::Ready(None) => this.end(),
            Poll::Ready(Some(Err(_))) => this.source = Source::Ended,
            Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(_) => false,
            Source::Http1 { connection, .. } => connection.is_end_stream(),
            Source::Http2 { incoming, .. } => incoming.is_end_stream(),
            Source::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(whole) => SizeHint::with_exact(whole.len() as u64),
            Source::Http1 { connection, .. } => connection.size_hint(),
            Source::Http2 { incoming, .. } => incoming.size_hint(),
            Source::Ended => SizeHint::with_exact(0),
        }
    }
}

impl<B: Send> fmt::Debug for UpstreamBody<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UpstreamBody")
            .field("size_hint", &self.size_hint())
            .finish_non_exhaustive()
    }
}

fn give_back<B: Send>(mut connection: BoxHttp1Connection<B>, handle: &Handle<B>) {
    if connection.park() {
        handle.check_in(connection);
    }
}
