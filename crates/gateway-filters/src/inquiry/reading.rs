//! A body that is read before anybody is asked.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;

use super::forward_body::Excerpt;
use crate::BoxError;
use crate::retry::{Origin, ReplayBody};

/// The body of a request, until enough of it is known.
///
/// Keeps what has been read, which is the limit and a frame at most. Dropping it drops that, and
/// the body.
pub(super) struct Reading<B> {
    origin: Origin<B>,
    reader: ReplayBody<B>,
    read: usize,
    limit: usize,
}

impl<B> Reading<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Reads `body` until its end, or until it is known to have more than `limit` bytes.
    pub(super) fn new(body: B, limit: usize) -> Self {
        // The limit is kept here: no frame that was taken may be lost.
        let (origin, reader) = Origin::new(body, usize::MAX);
        Self {
            origin,
            reader,
            read: 0,
            limit,
        }
    }

    /// Ready when enough is known.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        while self.read <= self.limit && !self.reader.is_end_stream() {
            let Some(frame) = ready!(Pin::new(&mut self.reader).poll_frame(cx)).transpose()? else {
                break;
            };
            self.read += frame.data_ref().map_or(0, Bytes::len);
        }
        Poll::Ready(Ok(()))
    }

    /// What is shown of the body; and the whole of it, from its first byte.
    pub(super) fn finish(self) -> (Excerpt, ReplayBody<B>) {
        let body = self.origin.restart();
        let excerpt = Excerpt {
            bytes: self.origin.first(self.limit),
            is_partial: self.read > self.limit,
        };
        (excerpt, body.expect("all that was read is kept"))
    }
}

impl<B> fmt::Debug for Reading<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("read", &self.read)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
