//! One HTTP/1 connection and the exchange on it.
//!
//! The codec's connection is a future that nobody spawns: whoever waits for a
//! response, or for the next frame of its body, polls it. Its two ends, the response
//! and the body, live in the same task, so they are polled with a waker that does
//! nothing; the caller's waker sits on the socket alone.

use std::future::{Future, pending, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::{Request, Response, StatusCode, Version};
use http_body::{Body, Frame};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;
use tokio_util::sync::ReusableBoxFuture;

use super::RequestBody;
use super::dial::dial;
use super::error::{InvalidResponse, UpstreamError, UpstreamErrorKind};
use super::framing;
use super::settings::PoolSettings;
use super::socket::{Meter, Socket};
use super::upgrade::{UpgradedTransport, UpgradedUpstream};

type Sent<B> = Result<Response<Incoming>, TrySendError<Request<B>>>;

/// How an exchange came out.
pub(super) enum Outcome<B> {
    /// The head of a response that may be believed.
    Answered(Response<Incoming>),
    /// The connection had closed before the request was begun; here it is again.
    Unsent(Request<B>, UpstreamError),
    /// There is no response.
    Failed(UpstreamError),
}

/// A connection, which carries one exchange at a time.
///
/// Dropping it closes it, which is how HTTP/1 cancels.
pub(super) struct Http1Connection<B: RequestBody> {
    address: SocketAddr,
    sender: SendRequest<B>,
    // None once it has ended and was taken apart.
    connection: Option<Connection<TokioIo<Socket>, B>>,
    has_ended: bool,
    failure: Option<hyper::Error>,
    // The codec's future has no name. One allocation serves every exchange.
    response: ReusableBoxFuture<'static, Sent<B>>,
    meter: Arc<Meter>,
    head_limit: usize,
    asked_for_upgrade: bool,
    idle_since: Instant,
}

impl<B: RequestBody> Http1Connection<B> {
    /// Opens a connection to `address`.
    pub(super) async fn open(
        address: SocketAddr,
        settings: &PoolSettings,
    ) -> Result<Box<Self>, UpstreamError> {
        let stream = dial(address, settings).await?;
        let meter = Arc::new(Meter::default());
        let socket = TokioIo::new(Socket::new(stream, Arc::clone(&meter)));

        let (sender, connection) = Builder::new()
            .max_buf_size(settings.max_buffer)
            .max_header_size(settings.max_response_head)
            .handshake(socket)
            .await
            .map_err(|error| {
                UpstreamError::new(UpstreamErrorKind::Handshake)
                    .with_source(error)
                    .unsent(true)
            })?;

        Ok(Box::new(Self {
            address,
            sender,
            connection: Some(connection),
            has_ended: false,
            failure: None,
            response: ReusableBoxFuture::new(pending()),
            meter,
            head_limit: settings.max_response_head,
            asked_for_upgrade: false,
            idle_since: Instant::now(),
        }))
    }

    /// Where it leads.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When it was last parked.
    pub(super) fn idle_since(&self) -> Instant {
        self.idle_since
    }

    /// Begins an exchange. Nothing happens before it is polled.
    pub(super) fn send(&mut self, request: Request<B>) {
        self.asked_for_upgrade = framing::asks_for_upgrade(&request);
        self.meter.begin(self.head_limit);
        self.response.set(self.sender.try_send_request(request));
    }

    /// Drives the exchange to the head of its response.
    pub(super) fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<B>> {
        self.drive(cx);

        let mut sent = poll_quietly(self.response.get_pin());
        if sent.is_pending() && self.has_ended {
            // A request that was never begun sits in the connection's queue, and
            // comes back when that goes.
            self.connection = None;
            sent = poll_quietly(self.response.get_pin());
            if sent.is_pending() {
                return Poll::Ready(Outcome::Failed(self.lost(None)));
            }
        }
        sent.map(|sent| match sent {
            Ok(response) => self.accept(response),
            Err(error) => self.refuse(error),
        })
    }

    /// Drives the connection to the next frame of `body`, which came with the response.
    ///
    /// `None` in place of a frame means that the body is complete.
    pub(super) fn poll_body(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let mut quiet = Context::from_waker(Waker::noop());
        let mut frame = Pin::new(&mut *body).poll_frame(&mut quiet);
        if frame.is_pending() {
            self.drive(cx);
            frame = Pin::new(body).poll_frame(&mut quiet);
        }
        match frame {
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.broke_off(Some(error))))),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.has_ended => Poll::Ready(Some(Err(self.broke_off(None)))),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Makes the connection wait for its next request, and says whether it can.
    ///
    /// It can if request and response are both complete, both sides want to keep it,
    /// and nothing came behind the response. Polling with a waker that does nothing
    /// also lets go of the waker of the task that used it.
    pub(super) fn park(&mut self) -> bool {
        self.drive_quietly();
        self.idle_since = Instant::now();
        !self.has_ended && self.sender.is_ready()
    }

    /// Notices whether the backend closed an idle connection.
    pub(super) fn is_alive(&mut self) -> bool {
        self.drive_quietly();
        !self.has_ended && self.sender.is_ready()
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = self.connection.as_mut().filter(|_| !self.has_ended) else {
            return;
        };
        if let Poll::Ready(end) = connection.poll_without_shutdown(cx) {
            self.has_ended = true;
            self.failure = end.err();
        }
    }

    fn drive_quietly(&mut self) {
        let drive = poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        });
        let _: Poll<()> = poll_quietly(pin!(drive));
    }

    fn accept(&mut self, mut response: Response<Incoming>) -> Outcome<B> {
        if let Err(reason) = framing::check_response(&response) {
            return Outcome::Failed(UpstreamError::invalid_response(reason));
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            match self.take_transport() {
                Ok(transport) => {
                    let extensions = response.extensions_mut();
                    // The codec's own handle is of no use without the codec's connection.
                    extensions.remove::<OnUpgrade>();
                    extensions.insert(UpgradedUpstream::new(transport));
                }
                Err(reason) => return Outcome::Failed(UpstreamError::invalid_response(reason)),
            }
        }
        self.meter.head_received();
        // The version is that of each connection, not of the message (RFC 9110 section 2.5).
        *response.version_mut() = Version::HTTP_11;
        Outcome::Answered(response)
    }

    fn take_transport(&mut self) -> Result<UpgradedTransport, InvalidResponse> {
        if !self.asked_for_upgrade {
            return Err(InvalidResponse::UnaskedUpgrade);
        }
        // The codec ends an upgraded connection as soon as the request is written.
        if !self.has_ended || self.failure.is_some() {
            return Err(InvalidResponse::EarlyUpgrade);
        }
        let parts = self
            .connection
            .take()
            .ok_or(InvalidResponse::EarlyUpgrade)?
            .into_parts();
        Ok(UpgradedTransport {
            stream: parts.io.into_inner().into_stream(),
            read_ahead: parts.read_buf,
        })
    }

    fn refuse(&mut self, mut error: TrySendError<Request<B>>) -> Outcome<B> {
        let message = error.take_message();
        let error = error.into_error();
        match message {
            Some(request) => {
                let closed = UpstreamError::new(UpstreamErrorKind::Closed)
                    .with_source(error)
                    .unsent(true);
                Outcome::Unsent(request, closed)
            }
            None => Outcome::Failed(self.lost(Some(error))),
        }
    }

    /// The error of an exchange that ended before its response.
    fn lost(&mut self, error: Option<hyper::Error>) -> UpstreamError {
        // Without a connection the codec only knows that its other half is gone.
        let error = match (self.connection.is_some(), self.failure.take()) {
            (_, Some(failure)) => Some(failure),
            (true, None) => error,
            (false, None) => None,
        };
        let kind = match &error {
            _ if self.meter.is_exceeded() => UpstreamErrorKind::InvalidResponse,
            Some(error) if error.is_user() => UpstreamErrorKind::RequestBody,
            Some(error) if error.is_parse() => UpstreamErrorKind::InvalidResponse,
            _ => UpstreamErrorKind::Closed,
        };
        let unsent = kind == UpstreamErrorKind::Closed && !self.meter.has_written();
        let lost = UpstreamError::new(kind).unsent(unsent);
        match error {
            Some(error) => lost.with_source(error),
            None => lost,
        }
    }

    /// The error of a body that ended before its end.
    fn broke_off(&mut self, error: Option<hyper::Error>) -> UpstreamError {
        // The connection knows more than the body, which only sees that it went away.
        let kind = match &self.failure {
            Some(failure) if failure.is_user() => UpstreamErrorKind::RequestBody,
            _ => UpstreamErrorKind::ResponseBody,
        };
        let broken = UpstreamError::new(kind);
        match self.failure.take().or(error) {
            Some(error) => broken.with_source(error),
            None => broken,
        }
    }
}

/// Polls with a waker that does nothing, for ends that the connection feeds.
///
/// The task's budget must not interfere: when it is used up, tokio's channels wake
/// the task and say "pending", and that wake-up would go nowhere.
fn poll_quietly<F: Future + Unpin>(future: F) -> Poll<F::Output> {
    pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop()))
}
