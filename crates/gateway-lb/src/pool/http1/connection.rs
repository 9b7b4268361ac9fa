//! A connection, and the exchange on it.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::coop::{has_budget_remaining, unconstrained};
use tokio::time::Instant;

use super::head::InvalidHead;
use super::incoming::{Incoming, Limits, Unread};
use super::outgoing::{Outgoing, Unwritten};
use crate::pool::RequestBody;
use crate::pool::codec::{Http1Connection, Http1Outcome};
use crate::pool::destination::Destination;
use crate::pool::error::{InvalidResponse, UpstreamError, UpstreamErrorKind};
use crate::pool::life::Life;
use crate::pool::limited::Place;
use crate::pool::settings::PoolSettings;
use crate::pool::upgrade::UpgradedTransport;

/// What HTTP/1 is spoken over.
pub(in crate::pool) trait Transport:
    AsyncRead + AsyncWrite + Send + Unpin + 'static
{
    /// Whether nothing at all was sent when a write fails. That is so for a socket;
    /// what encrypts may have sent a part.
    const FAILS_WHOLE: bool;

    /// What is left when HTTP has ended, and what was read of what comes then.
    fn into_upgraded(self, read_ahead: Bytes) -> UpgradedTransport;
}

impl Transport for TcpStream {
    const FAILS_WHOLE: bool = true;

    fn into_upgraded(self, read_ahead: Bytes) -> UpgradedTransport {
        UpgradedTransport {
            stream: self.into(),
            read_ahead,
        }
    }
}

#[cfg(feature = "tls")]
impl Transport for tokio_rustls::client::TlsStream<TcpStream> {
    const FAILS_WHOLE: bool = false;

    fn into_upgraded(self, read_ahead: Bytes) -> UpgradedTransport {
        UpgradedTransport {
            stream: self.into(),
            read_ahead,
        }
    }
}

/// An open connection, driven by whoever uses it.
#[derive(Debug)]
pub(in crate::pool) struct Connection<S, B> {
    transport: S,
    destination: Destination,
    idle_since: Instant,
    life: Life,
    requests: u32,
    /// Its place among those of a limit.
    place: Option<Place>,
    /// The request, until it is written and answered.
    outgoing: Option<Outgoing<B>>,
    incoming: Incoming,
    /// The backend takes no more of the request. It may have answered all the same.
    write_failure: Option<io::Error>,
    /// Whether request and response want to keep the connection.
    persists: bool,
}

impl<S: Transport, B: RequestBody> Connection<S, B> {
    pub(in crate::pool) fn new(
        transport: S,
        destination: Destination,
        settings: &PoolSettings,
        place: Option<Place>,
    ) -> Self {
        let limits = Limits {
            head: settings.max_response_head,
            buffer: settings.max_buffer,
        };
        Self {
            transport,
            destination,
            idle_since: Instant::now(),
            life: Life::new(settings.use_limits),
            requests: 0,
            place,
            outgoing: None,
            incoming: Incoming::new(limits),
            write_failure: None,
            persists: true,
        }
    }

    /// Whether nothing comes, as it should be while no request is under way. The
    /// task is woken when that changes.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<UpstreamError> {
        let read = ready!(self.incoming.poll_silence(&mut self.transport, cx));
        let closed = UpstreamError::new(UpstreamErrorKind::Closed).with_unsent(true);
        Poll::Ready(match read {
            Ok(0) => closed,
            Ok(_) => UpstreamError::invalid_response(InvalidResponse::Unasked).with_unsent(true),
            Err(error) => closed.with_source(error),
        })
    }

    /// Moves the request on, if there is still something to move.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), UpstreamError> {
        let Some(outgoing) = &mut self.outgoing else {
            return Ok(());
        };
        if self.write_failure.is_some() || outgoing.is_complete() {
            return Ok(());
        }
        match outgoing.poll_write(&mut self.transport, cx) {
            Poll::Pending | Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(Unwritten::Transport(error))) => {
                self.write_failure = Some(error);
                Ok(())
            }
            Poll::Ready(Err(Unwritten::Body(error))) => {
                Err(UpstreamError::new(UpstreamErrorKind::RequestBody).with_source(error))
            }
        }
    }

    /// Whether the request is written to its end.
    fn is_written(&self) -> bool {
        self.outgoing.as_ref().is_none_or(Outgoing::is_complete)
    }

    /// Takes the first step of an exchange: writes, unless the connection has ended.
    fn start(&mut self, cx: &mut Context<'_>) -> Poll<Http1Outcome<B>> {
        if !has_budget_remaining() {
            // A socket would say that nothing comes, whatever comes.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Poll::Ready(error) = self.poll_silence(cx) {
            return Poll::Ready(self.give_back(error));
        }
        if let Err(error) = self.write(cx) {
            return Poll::Ready(Http1Outcome::Failed(error));
        }
        match self.write_failure.take() {
            Some(error) if !self.has_begun() => {
                let closed = UpstreamError::new(UpstreamErrorKind::Closed)
                    .with_unsent(S::FAILS_WHOLE)
                    .with_source(error);
                Poll::Ready(self.give_back(closed))
            }
            failure => {
                self.write_failure = failure;
                // Whatever comes wakes the task.
                Poll::Pending
            }
        }
    }

    fn give_back(&mut self, error: UpstreamError) -> Http1Outcome<B> {
        match self.outgoing.take() {
            Some(outgoing) if error.is_unsent() => Http1Outcome::Unsent(Box::new(outgoing), error),
            _ => Http1Outcome::Failed(error),
        }
    }

    fn has_begun(&self) -> bool {
        self.outgoing.as_ref().is_none_or(Outgoing::has_written)
    }

    /// The error of an exchange that ended before its response.
    fn lost(&mut self, reason: Unread) -> UpstreamError {
        let closed = UpstreamError::new(UpstreamErrorKind::Closed);
        match reason {
            Unread::Head(InvalidHead::Ambiguous(reason)) => UpstreamError::invalid_response(reason),
            Unread::Head(reason) => {
                UpstreamError::new(UpstreamErrorKind::InvalidResponse).with_source(reason)
            }
            Unread::Body(reason) => closed.with_source(reason),
            Unread::Transport(error) => closed.with_source(error),
            Unread::Closed => match self.write_failure.take() {
                Some(error) => closed.with_source(error),
                None => closed,
            },
        }
    }
}

impl<S: Transport, B: RequestBody> Http1Connection<B> for Connection<S, B> {
    fn destination(&self) -> &Destination {
        &self.destination
    }

    fn idle_since(&self) -> Instant {
        self.idle_since
    }

    fn is_used_up(&self) -> bool {
        self.life.is_over(self.requests)
    }

    fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }

    fn send(&mut self, request: Outgoing<B>) {
        self.requests = self.requests.saturating_add(1);
        self.persists = !request.wants_close();
        self.outgoing = Some(request);
        self.incoming.begin();
    }

    fn is_request_sent(&self) -> bool {
        self.is_written()
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Http1Outcome<B>> {
        if !self.has_begun() {
            return self.start(cx);
        }
        if let Err(error) = self.write(cx) {
            return Poll::Ready(Http1Outcome::Failed(error));
        }
        let is_written = self.is_written();
        let Some(outgoing) = &mut self.outgoing else {
            let closed = UpstreamError::new(UpstreamErrorKind::Closed);
            return Poll::Ready(Http1Outcome::Failed(closed));
        };

        let is_head = outgoing.is_head();
        let headers = outgoing.headers();
        let head = self
            .incoming
            .poll_head(&mut self.transport, cx, is_head, headers);
        let response = match ready!(head) {
            Ok(response) => response,
            Err(reason) => return Poll::Ready(Http1Outcome::Failed(self.lost(reason))),
        };

        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let reason = match (outgoing.asks_for_upgrade(), is_written) {
                (true, true) => return Poll::Ready(Http1Outcome::Switched(response)),
                (true, false) => InvalidResponse::EarlyUpgrade,
                (false, _) => InvalidResponse::UnaskedUpgrade,
            };
            let failed = UpstreamError::invalid_response(reason);
            return Poll::Ready(Http1Outcome::Failed(failed));
        }
        if is_written {
            self.outgoing = None;
        }
        Poll::Ready(Http1Outcome::Answered(response))
    }

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if let Err(error) = self.write(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(self.incoming.poll_frame(&mut self.transport, cx));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|reason| {
                let broken = UpstreamError::new(UpstreamErrorKind::ResponseBody);
                match reason {
                    Unread::Body(reason) => broken.with_source(reason),
                    Unread::Transport(error) => broken.with_source(error),
                    Unread::Head(reason) => broken.with_source(reason),
                    Unread::Closed => broken,
                }
            })
        }))
    }

    fn take_whole_body(&mut self) -> Option<Bytes> {
        self.incoming.take_whole()
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    fn park(&mut self) -> bool {
        if !self.is_written() {
            // Its end may be there, and only nobody has asked for it.
            let mut nobody = Context::from_waker(Waker::noop());
            let _: Result<(), _> = self.write(&mut nobody);
        }
        let is_idle = self.persists
            && self.write_failure.is_none()
            && self.is_written()
            && self.incoming.is_reusable()
            && !self.is_used_up();
        self.outgoing = None;
        self.idle_since = Instant::now();
        is_idle
    }

    fn is_alive(&mut self) -> bool {
        let look = poll_fn(|cx| Poll::Ready(self.poll_silence(cx).is_pending()));
        let mut nobody = Context::from_waker(Waker::noop());
        matches!(
            pin!(unconstrained(look)).poll(&mut nobody),
            Poll::Ready(true)
        )
    }

    fn into_upgraded(self: Box<Self>) -> UpgradedTransport {
        let mut this = *self;
        let ahead = this.incoming.take_ahead();
        let mut upgraded = this.transport.into_upgraded(ahead);
        upgraded.stream.hold(this.place);
        upgraded
    }
}
