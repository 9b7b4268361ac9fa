//! A request on its way to the backend.

use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request};
use http_body::{Body, Frame};
use tokio::io::AsyncWrite;

use super::fields::{Seen, write_field, write_head, write_number};
use super::spare;
use crate::pool::RequestBody;
use crate::pool::error::{BoxError, InvalidRequest};

/// A request whose head is written into memory already, and what is left of its body.
///
/// Nothing is lost before something was written, so that it can be taken to another
/// connection until then.
#[derive(Debug)]
pub(in crate::pool) struct Outgoing<B> {
    /// The head, and whatever frames the body, as far as it is not written.
    framing: Vec<u8>,
    framing_written: usize,
    /// Comes behind `framing`.
    data: Bytes,
    /// Comes behind `data`.
    end: &'static [u8],
    /// None once it has given all it has.
    body: Option<B>,
    /// How much the body still has to give; it is sent in chunks if nobody knows.
    rest: Option<u64>,
    has_written: bool,
    seen: Seen,
    is_head: bool,
    /// The map of the request's fields, for those of the response.
    headers: HeaderMap,
}

impl<B: Body> Outgoing<B> {
    /// Writes the head of `request` into memory.
    pub(in crate::pool) fn new(request: Request<B>) -> Result<Self, InvalidRequest> {
        let mut framing = spare::lend_output();
        let (rest, seen) = write_head(
            &mut framing,
            (request.method(), request.uri()),
            request.headers(),
            length_of(request.body()),
        )?;
        let is_head = *request.method() == Method::HEAD;
        let (head, body) = request.into_parts();
        let mut headers = head.headers;
        headers.clear();

        Ok(Self {
            framing,
            framing_written: 0,
            data: Bytes::new(),
            end: b"",
            body: (rest != Some(0)).then_some(body),
            rest,
            has_written: false,
            seen,
            is_head,
            headers,
        })
    }
}

impl<B> Outgoing<B> {
    /// Whether any byte was given to the transport.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    pub(super) fn is_complete(&self) -> bool {
        self.body.is_none() && !self.has_output()
    }

    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    pub(super) fn asks_for_upgrade(&self) -> bool {
        self.seen.asks_for_upgrade
    }

    pub(super) fn wants_close(&self) -> bool {
        self.seen.wants_close
    }

    /// An empty map, most likely with room, to read a head into.
    pub(super) fn headers(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    fn has_output(&self) -> bool {
        self.framing_written < self.framing.len() || !self.data.is_empty() || !self.end.is_empty()
    }

    fn advance(&mut self, mut written: usize) {
        self.has_written = true;
        let framing = written.min(self.framing.len() - self.framing_written);
        self.framing_written += framing;
        written -= framing;
        if self.framing_written == self.framing.len() && self.framing_written > 0 {
            self.framing_written = 0;
            spare::return_output(mem::take(&mut self.framing));
        }
        let data = written.min(self.data.len());
        self.data.advance(data);
        self.end = &self.end[written - data..];
    }

    fn poll_output<W: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.has_output() {
            let parts = [
                &self.framing[self.framing_written..],
                &self.data[..],
                self.end,
            ];
            let mut filled = parts.iter().filter(|part| !part.is_empty());
            let transport = Pin::new(&mut *transport);
            let written = match (filled.next(), filled.next()) {
                (Some(only), None) => transport.poll_write(cx, only),
                (Some(first), Some(_)) if !transport.is_write_vectored() => {
                    transport.poll_write(cx, first)
                }
                _ => transport.poll_write_vectored(cx, &parts.map(IoSlice::new)),
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<B: RequestBody> Outgoing<B> {
    /// Moves the request on; ready once all of it is written.
    pub(super) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        transport: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unwritten>> {
        loop {
            // A frame that is there goes out together with the head.
            let waits = self.wants_frame() && self.poll_frame(cx)?.is_pending();
            ready!(self.poll_output(transport, cx)).map_err(Unwritten::Transport)?;
            if waits || self.body.is_none() {
                ready!(Pin::new(&mut *transport).poll_flush(cx)).map_err(Unwritten::Transport)?;
                return if waits {
                    Poll::Pending
                } else {
                    Poll::Ready(Ok(()))
                };
            }
        }
    }

    fn wants_frame(&self) -> bool {
        self.body.is_some() && self.data.is_empty() && self.end.is_empty()
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unwritten>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(()));
        };
        let frame = match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(frame) => Some(frame.map_err(|error| Unwritten::Body(error.into()))?),
            None => None,
        };
        let is_last = body.is_end_stream();
        Poll::Ready(match self.rest {
            Some(rest) => self.add_part(frame, rest),
            None => {
                self.add_chunk(frame, is_last);
                Ok(())
            }
        })
    }

    fn add_part(&mut self, frame: Option<Frame<Bytes>>, rest: u64) -> Result<(), Unwritten> {
        let Some(frame) = frame else {
            return Err(Unwritten::Body(InvalidBody::Short.into()));
        };
        // There is no place for trailers behind a body of known length.
        let data = frame.into_data().unwrap_or_default();
        let rest = rest
            .checked_sub(data.len() as u64)
            .ok_or_else(|| Unwritten::Body(InvalidBody::Long.into()))?;
        self.rest = Some(rest);
        if rest == 0 {
            self.body = None;
        }
        self.add(data);
        Ok(())
    }

    fn add_chunk(&mut self, frame: Option<Frame<Bytes>>, is_last: bool) {
        if self.framing.capacity() == 0 {
            self.framing = spare::lend_output();
        }
        if is_last {
            self.body = None;
        }
        let Some(frame) = frame else {
            self.body = None;
            return self.end = b"0\r\n\r\n";
        };
        match frame.into_data() {
            // Nothing would be the end.
            Ok(data) if data.is_empty() => self.end = if is_last { b"0\r\n\r\n" } else { b"" },
            Ok(data) => {
                write_number(&mut self.framing, data.len() as u64, 16);
                self.framing.extend_from_slice(b"\r\n");
                self.end = if is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
                self.add(data);
            }
            Err(frame) => {
                self.body = None;
                self.add_trailers(&frame.into_trailers().unwrap_or_default());
            }
        }
    }

    fn add_trailers(&mut self, trailers: &HeaderMap) {
        self.framing.extend_from_slice(b"0\r\n");
        for (name, value) in trailers {
            if !TOO_LATE.contains(name) {
                write_field(&mut self.framing, name, value);
            }
        }
        self.framing.extend_from_slice(b"\r\n");
    }

    fn add(&mut self, data: Bytes) {
        if data.len() <= JOINED && self.framing.capacity() > 0 {
            self.framing.extend_from_slice(&data);
            self.framing.extend_from_slice(mem::take(&mut self.end));
        } else {
            self.data = data;
        }
    }
}

/// Why a request was not written to its end.
#[derive(Debug)]
pub(super) enum Unwritten {
    Transport(io::Error),
    Body(BoxError),
}

/// A body that is not what it said.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidBody {
    #[error("the body is shorter than it said")]
    Short,
    #[error("the body is longer than it said")]
    Long,
}

fn length_of<B: Body>(body: &B) -> Option<u64> {
    if body.is_end_stream() {
        return Some(0);
    }
    body.size_hint().exact()
}

/// Up to here a body is copied behind its head, for one piece is cheaper to send than
/// two.
const JOINED: usize = 1024;

/// Fields that frame or route a message cannot come behind it (RFC 9110 section 6.5.1).
const TOO_LATE: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
];
