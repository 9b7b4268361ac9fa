//! One HTTP/1 connection and the exchange on it.
//!
//! The codec's connection is a future that nobody spawns: whoever waits for a
//! response, or for the next frame of its body, polls it. Its two ends, the response
//! and the body, live in the same task, so they are polled with a waker that does
//! nothing, and the connection with one that ignores them (see [`Gate`]).

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
use super::codec::{Http1Connection, Http1Outcome};
use super::dial::dial;
use super::error::{InvalidResponse, UpstreamError, UpstreamErrorKind};
use super::framing;
use super::gate::{Gate, quietly};
use super::settings::PoolSettings;
use super::socket::{Meter, Socket};
use super::upgrade::{UpgradedTransport, UpgradedUpstream};

type Sent<B> = Result<Response<Incoming>, TrySendError<Request<B>>>;

/// A connection of hyper's, driven by whoever uses it.
pub(super) struct HyperConnection<B: Body + 'static> {
    address: SocketAddr,
    sender: SendRequest<B>,
    // None once it has ended and was taken apart.
    connection: Option<Connection<TokioIo<Socket>, B>>,
    has_ended: bool,
    failure: Option<hyper::Error>,
    // The codec's future has no name. One allocation serves every exchange.
    response: ReusableBoxFuture<'static, Sent<B>>,
    gate: Arc<Gate>,
    waker: Waker,
    meter: Arc<Meter>,
    head_limit: usize,
    asked_for_upgrade: bool,
    idle_since: Instant,
}

impl<B: RequestBody> HyperConnection<B> {
    /// Opens a connection to `address`.
    pub(super) async fn open(
        address: SocketAddr,
        settings: &PoolSettings,
    ) -> Result<Self, UpstreamError> {
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
                    .with_unsent(true)
            })?;

        let (gate, waker) = Gate::new();
        Ok(Self {
            address,
            sender,
            connection: Some(connection),
            has_ended: false,
            failure: None,
            response: ReusableBoxFuture::new(pending()),
            gate,
            waker,
            meter,
            head_limit: settings.max_response_head,
            asked_for_upgrade: false,
            idle_since: Instant::now(),
        })
    }

    fn drive(&mut self, cx: &Context<'_>) {
        self.gate.lead_to(cx.waker());
        self.advance();
    }

    fn advance(&mut self) {
        let Some(connection) = self.connection.as_mut().filter(|_| !self.has_ended) else {
            return;
        };
        if let Poll::Ready(end) =
            connection.poll_without_shutdown(&mut Context::from_waker(&self.waker))
        {
            self.has_ended = true;
            self.failure = end.err();
        }
    }

    /// Advances without a task that could be woken.
    fn advance_unwatched(&mut self) -> bool {
        let advance = poll_fn(|_| {
            self.advance();
            Poll::Ready(())
        });
        let _: Poll<()> = poll_unconstrained(pin!(advance));
        !self.has_ended && self.sender.is_ready()
    }

    fn accept(&mut self, mut response: Response<Incoming>) -> Http1Outcome<B> {
        if let Err(reason) = framing::check_response(&response) {
            return Http1Outcome::Failed(UpstreamError::invalid_response(reason));
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            match self.take_transport() {
                Ok(transport) => {
                    let extensions = response.extensions_mut();
                    // The codec's own handle is of no use without the codec's connection.
                    extensions.remove::<OnUpgrade>();
                    extensions.insert(UpgradedUpstream::new(transport));
                }
                Err(reason) => {
                    return Http1Outcome::Failed(UpstreamError::invalid_response(reason));
                }
            }
        }
        self.meter.head_received();
        // The version is that of each connection, not of the message (RFC 9110 section 2.5).
        *response.version_mut() = Version::HTTP_11;
        Http1Outcome::Answered(response)
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

    fn refuse(&mut self, mut error: TrySendError<Request<B>>) -> Http1Outcome<B> {
        let message = error.take_message();
        let error = error.into_error();
        match message {
            Some(request) => {
                let closed = UpstreamError::new(UpstreamErrorKind::Closed)
                    .with_source(error)
                    .with_unsent(true);
                Http1Outcome::Unsent(request, closed)
            }
            None => Http1Outcome::Failed(self.lost(Some(error))),
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
        let lost = UpstreamError::new(kind).with_unsent(unsent);
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

impl<B: RequestBody> Http1Connection<B> for HyperConnection<B> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn idle_since(&self) -> Instant {
        self.idle_since
    }

    fn send(&mut self, request: Request<B>) {
        self.asked_for_upgrade = framing::asks_for_upgrade(&request);
        self.meter.begin(self.head_limit);
        let sent = quietly(|| self.sender.try_send_request(request));
        self.response.set(sent);
    }

    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Http1Outcome<B>> {
        self.drive(cx);

        let mut sent = quietly(|| poll_unconstrained(self.response.get_pin()));
        if sent.is_pending() && self.has_ended {
            // A request that was never begun sits in the connection's queue, and
            // comes back when that goes.
            self.connection = None;
            sent = quietly(|| poll_unconstrained(self.response.get_pin()));
            if sent.is_pending() {
                return Poll::Ready(Http1Outcome::Failed(self.lost(None)));
            }
        }
        sent.map(|sent| match sent {
            Ok(response) => self.accept(response),
            Err(error) => self.refuse(error),
        })
    }

    fn poll_body(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let mut frame = poll_frame(body);
        if frame.is_pending() {
            self.drive(cx);
            frame = poll_frame(body);
        }
        match frame {
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(self.broke_off(Some(error))))),
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.has_ended => Poll::Ready(Some(Err(self.broke_off(None)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn park(&mut self) -> bool {
        self.gate.close();
        self.idle_since = Instant::now();
        // As a rule the last step of the exchange also found the connection idle. If
        // its end came in pieces, there is one more step to take.
        let is_idle = !self.has_ended && self.sender.is_ready();
        is_idle || self.advance_unwatched()
    }

    fn is_alive(&mut self) -> bool {
        self.advance_unwatched()
    }
}

/// Polls the receiving end of a body.
fn poll_frame(body: &mut Incoming) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
    let mut nobody = Context::from_waker(Waker::noop());
    quietly(|| Pin::new(body).poll_frame(&mut nobody))
}

/// Polls with a waker that does nothing and without a budget.
///
/// When a task's budget is used up, tokio's channels wake it and say "pending". That
/// wake-up would go nowhere.
fn poll_unconstrained<F: Future + Unpin>(future: F) -> Poll<F::Output> {
    pin!(unconstrained(future)).poll(&mut Context::from_waker(Waker::noop()))
}
