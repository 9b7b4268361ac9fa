//! A response on its way from the backend.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use memchr::memmem;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use super::body::{COPIED, Decoder, InvalidBody, Length};
use super::head::{Head, InvalidHead, room};
use super::spare;
use crate::pool::error::InvalidResponse;

/// What was read of a response, and how far it is understood.
#[derive(Debug)]
pub(super) struct Incoming {
    /// What is not understood yet: a part of a head, or what came behind it.
    buffer: BytesMut,
    /// A body that came with its head, whole.
    whole: Option<Bytes>,
    decoder: Decoder,
    /// Whether the backend is willing to keep the connection.
    persists: bool,
    /// How much of the head's limit the informational responses have used.
    informed: usize,
    /// How much of a head was there when it was looked at in vain.
    looked: usize,
    /// How much of it was searched for its end.
    searched: usize,
    limits: Limits,
}

/// What a backend may make us keep.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
    pub(super) head: usize,
    pub(super) buffer: usize,
}

impl Incoming {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            buffer: BytesMut::new(),
            whole: None,
            decoder: Decoder::Done,
            persists: true,
            informed: 0,
            looked: 0,
            searched: 0,
            limits,
        }
    }

    /// A new request begins.
    pub(super) fn begin(&mut self) {
        self.informed = 0;
        self.looked = 0;
        self.searched = 0;
    }

    /// Whether the response is complete and the connection can carry another.
    pub(super) fn is_reusable(&self) -> bool {
        self.persists && self.decoder.is_done() && self.buffer.is_empty()
    }

    /// Whether all frames of the body were given out.
    pub(super) fn is_end(&self) -> bool {
        self.whole.is_none() && self.decoder.is_done()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match (&self.whole, &self.decoder) {
            (Some(whole), _) => SizeHint::with_exact(whole.len() as u64),
            (None, Decoder::Length(rest)) => SizeHint::with_exact(*rest),
            (None, Decoder::Done) => SizeHint::with_exact(0),
            (None, Decoder::Chunked(_) | Decoder::UntilClose) => SizeHint::default(),
        }
    }

    /// The body, if all of it came with the head.
    pub(super) fn take_whole(&mut self) -> Option<Bytes> {
        self.whole.take()
    }

    /// What came behind the head of a response that ended HTTP.
    pub(super) fn take_ahead(&mut self) -> Bytes {
        mem::take(&mut self.buffer).freeze()
    }

    /// Finds out whether anything comes while nothing should: pending is as it should be.
    pub(super) fn poll_silence<R: AsyncRead + Unpin>(
        &mut self,
        transport: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.poll_more(transport, cx)
    }

    /// Reads on to the head of the response.
    pub(super) fn poll_head<R: AsyncRead + Unpin>(
        &mut self,
        transport: &mut R,
        cx: &mut Context<'_>,
        answers_head: bool,
        headers: &mut HeaderMap,
    ) -> Poll<Result<Response<()>, Unread>> {
        loop {
            if let Some(response) = self.next_head(answers_head, headers)? {
                return Poll::Ready(Ok(response));
            }
            if ready!(self.poll_more(transport, cx)).map_err(Unread::Transport)? == 0 {
                return Poll::Ready(Err(Unread::Closed));
            }
        }
    }

    /// Reads on to the next frame of the body; `None` at its end.
    pub(super) fn poll_frame<R: AsyncRead + Unpin>(
        &mut self,
        transport: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Unread>>> {
        if let Some(whole) = self.whole.take() {
            return Poll::Ready(Some(Ok(Frame::data(whole))));
        }
        loop {
            let frame = self.decoder.next_frame(&mut self.buffer);
            self.return_buffer();
            match frame {
                Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                Ok(None) if self.decoder.is_done() => return Poll::Ready(None),
                Ok(None) => {}
                Err(invalid) => return Poll::Ready(Some(Err(Unread::Body(invalid)))),
            }
            match ready!(self.poll_more(transport, cx)) {
                Ok(0) if !self.decoder.end() => {
                    let truncated = Unread::Body(InvalidBody::Truncated);
                    return Poll::Ready(Some(Err(truncated)));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(Unread::Transport(error)))),
            }
        }
    }

    /// Takes the next head that is not informational out of the buffer.
    fn next_head(
        &mut self,
        answers_head: bool,
        headers: &mut HeaderMap,
    ) -> Result<Option<Response<()>>, Unread> {
        while self.is_worth_a_look() {
            let mut room = room();
            let head = Head::parse(&self.buffer, &mut room, answers_head);
            let Some(head) = head.map_err(Unread::Head)? else {
                self.looked = self.buffer.len();
                self.searched = self.buffer.len();
                break;
            };
            if self.informed + head.length > self.limits.head {
                return Err(Unread::Head(InvalidResponse::HeadTooLong.into()));
            }
            self.looked = 0;
            if head.is_informational() {
                // The request's caller does not ask for them: here they could be passed on.
                self.informed += head.length;
                let length = head.length;
                self.buffer.advance(length);
                continue;
            }

            let (body, length, persists) = (head.body, head.length, head.persists);
            let whole =
                whole_body(body, self.buffer.len() - length).filter(|body| length + body <= COPIED);
            let taken = length + whole.unwrap_or_default();
            let message = Bytes::copy_from_slice(&self.buffer[..taken]);
            let response = respond(&head, &message, headers).map_err(Unread::Head)?;

            self.persists = persists;
            if taken == self.buffer.len() {
                self.buffer.clear();
            } else {
                self.buffer.advance(taken);
            }
            (self.whole, self.decoder) = match whole {
                Some(0) => (None, Decoder::Done),
                Some(_) => (Some(message.slice(length..)), Decoder::Done),
                None => (None, Decoder::new(body, self.limits.head)),
            };
            self.return_buffer();
            return Ok(Some(response));
        }
        if self.informed + self.buffer.len() >= self.limits.head {
            return Err(Unread::Head(InvalidResponse::HeadTooLong.into()));
        }
        Ok(None)
    }

    /// Whether a head may be complete. One that comes in many pieces is not read anew
    /// with each of them, which would cost a slow backend's bytes many times over.
    fn is_worth_a_look(&mut self) -> bool {
        let length = self.buffer.len();
        if length == 0 {
            return false;
        }
        let from = self.searched.saturating_sub(END.len() - 1);
        self.looked == 0
            || length >= 2 * self.looked
            || memmem::find(&self.buffer[from..], END).is_some()
            || {
                self.searched = length;
                false
            }
    }

    fn poll_more<R: AsyncRead + Unpin>(
        &mut self,
        transport: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.is_empty() {
            self.buffer = spare::lend_input();
        } else if self.buffer.len() == self.buffer.capacity() {
            self.buffer.reserve(self.buffer.len().max(LITTLE));
        }
        let mut room = (&mut self.buffer).limit(self.limits.buffer);
        let read = poll_read_buf(Pin::new(transport), cx, &mut room);
        if read.is_pending() {
            self.wait();
        }
        self.return_buffer();
        read
    }

    /// Keeps no more memory than the beginning of a head needs.
    fn wait(&mut self) {
        let length = self.buffer.len();
        if length > 0 && self.buffer.capacity() > (2 * length).max(LITTLE) {
            let kept = BytesMut::from(&self.buffer[..]);
            spare::return_input(mem::replace(&mut self.buffer, kept));
        }
    }

    fn return_buffer(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            spare::return_input(mem::take(&mut self.buffer));
        }
    }
}

/// Why a response cannot be read on.
#[derive(Debug)]
pub(super) enum Unread {
    /// The connection ended before the response began, or in its head.
    Closed,
    Transport(io::Error),
    Head(InvalidHead),
    Body(InvalidBody),
}

/// The length of a body that is there to its end.
fn whole_body(body: Length, available: usize) -> Option<usize> {
    match body {
        Length::Known(length) => usize::try_from(length)
            .ok()
            .filter(|length| *length <= available),
        Length::Chunked | Length::UntilClose => None,
    }
}

fn respond(
    head: &Head<'_>,
    message: &Bytes,
    headers: &mut HeaderMap,
) -> Result<Response<()>, InvalidHead> {
    head.fields(message, headers)?;
    // The version is that of each connection, not of the message (RFC 9110 section
    // 2.5), so it stays what it is.
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() = mem::take(headers);
    if let Some(reason) = head.reason() {
        response.extensions_mut().insert(reason);
    }
    Ok(response)
}

const END: &[u8] = b"\r\n\r\n";

/// What is read at least, where a head comes in pieces.
const LITTLE: usize = 4 * 1024;
