//! The way from a request to the head of its response.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use http::{Request, Response};

use super::error::{UpstreamError, UpstreamErrorKind};
use super::handle::Handle;
use super::http1::{self, Http1Connection};
use super::http2::{self, Choice, Connecting, Http2Connection};
use super::{Protocol, RequestBody, UpstreamBody};

/// Response future of [`Pool::send`](super::Pool::send).
///
/// # Cancellation
///
/// Dropping it closes the HTTP/1 connection or resets the HTTP/2 stream that it uses,
/// and gives up an HTTP/1 connection that is being opened. An HTTP/2 connection that is
/// being opened is kept for others.
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<B: RequestBody> {
    handle: Handle<B>,
    address: SocketAddr,
    state: State<B>,
}

type Dial<B> = Pin<Box<dyn Future<Output = Result<Box<Http1Connection<B>>, UpstreamError>> + Send>>;

enum State<B: RequestBody> {
    Http1(Request<B>),
    DialHttp1 {
        request: Request<B>,
        dial: Dial<B>,
    },
    ExchangeHttp1 {
        connection: Box<Http1Connection<B>>,
        is_reused: bool,
    },
    Http2 {
        request: Request<B>,
        attempt: usize,
    },
    AwaitHttp2 {
        request: Request<B>,
        attempt: usize,
        connecting: Connecting<B>,
    },
    ExchangeHttp2 {
        exchange: http2::Exchange<B>,
        attempt: usize,
    },
    Refused(UpstreamError),
    Done,
}

type Answer<B> = Result<Response<UpstreamBody<B>>, UpstreamError>;

impl<B: RequestBody> SendFuture<B> {
    pub(super) fn new(
        handle: Handle<B>,
        address: SocketAddr,
        protocol: Protocol,
        mut request: Request<B>,
    ) -> Self {
        let framed = match protocol {
            Protocol::Http1 => super::framing::frame_request(&mut request),
            Protocol::Http2 => http2::into_http2(&mut request, address),
        };
        let state = match (framed, protocol) {
            (Ok(()), Protocol::Http1) => State::Http1(request),
            (Ok(()), Protocol::Http2) => State::Http2 {
                request,
                attempt: 1,
            },
            (Err(reason), _) => {
                let kind = UpstreamErrorKind::InvalidRequest;
                State::Refused(UpstreamError::new(kind).with_source(reason).unsent(true))
            }
        };
        Self {
            handle,
            address,
            state,
        }
    }

    fn start_http1(&self, request: Request<B>) -> State<B> {
        if let Some(mut connection) = self.handle.check_out(self.address) {
            connection.send(request);
            return State::ExchangeHttp1 {
                connection,
                is_reused: true,
            };
        }
        let (address, handle) = (self.address, self.handle.clone());
        let dial = Box::pin(async move { Http1Connection::open(address, handle.settings()).await });
        State::DialHttp1 { request, dial }
    }

    fn start_http2(&self, request: Request<B>, attempt: usize) -> State<B> {
        match self.handle.choose_http2(self.address) {
            Choice::Use(connection) => exchange_http2(connection, request, attempt),
            Choice::Await(connecting) => State::AwaitHttp2 {
                request,
                attempt,
                connecting,
            },
        }
    }

    /// With a connection just opened, which many may have waited for.
    fn join_http2(
        &self,
        connected: Result<Http2Connection<B>, UpstreamError>,
        request: Request<B>,
        attempt: usize,
    ) -> Result<State<B>, UpstreamError> {
        let connection = connected?;
        let patience = self.handle.settings().http2.max_connections;
        // Those who came first took all of it; but nobody tries for ever.
        if !connection.has_room() && attempt <= patience {
            return Ok(self.start_http2(request, attempt + 1));
        }
        Ok(exchange_http2(connection, request, attempt))
    }

    fn finish_http1(
        &mut self,
        outcome: http1::Outcome<B>,
        connection: Box<Http1Connection<B>>,
        is_reused: bool,
    ) -> Option<Answer<B>> {
        match outcome {
            http1::Outcome::Answered(response) => {
                let handle = self.handle.clone();
                Some(Ok(response.map(|incoming| {
                    UpstreamBody::http1(incoming, connection, handle)
                })))
            }
            // The backend had closed it while it was idle, which says nothing about
            // the backend or the request.
            http1::Outcome::Unsent(request, _) if is_reused => {
                self.state = State::Http1(request);
                None
            }
            http1::Outcome::Unsent(_, error) | http1::Outcome::Failed(error) => Some(Err(error)),
        }
    }

    fn finish_http2(&mut self, outcome: http2::Outcome<B>, attempt: usize) -> Option<Answer<B>> {
        match outcome {
            http2::Outcome::Answered(response, stream) => Some(Ok(
                response.map(|incoming| UpstreamBody::http2(incoming, stream))
            )),
            http2::Outcome::Unsent(request, _) if attempt < MAX_ATTEMPTS => {
                self.state = State::Http2 {
                    request,
                    attempt: attempt + 1,
                };
                None
            }
            http2::Outcome::Unsent(_, error) | http2::Outcome::Failed(error) => Some(Err(error)),
        }
    }

    fn take_state(&mut self) -> State<B> {
        std::mem::replace(&mut self.state, State::Done)
    }

    /// Takes one step; an answer ends it.
    fn step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer<B>>> {
        match &mut self.state {
            State::ExchangeHttp1 { connection, .. } => {
                let outcome = ready!(connection.poll_exchange(cx));
                if let State::ExchangeHttp1 {
                    connection,
                    is_reused,
                } = self.take_state()
                {
                    return Poll::Ready(self.finish_http1(outcome, connection, is_reused));
                }
            }
            State::ExchangeHttp2 { exchange, attempt } => {
                let outcome = ready!(exchange.poll(cx));
                let attempt = *attempt;
                self.state = State::Done;
                return Poll::Ready(self.finish_http2(outcome, attempt));
            }
            State::DialHttp1 { dial, .. } => {
                let dialled = ready!(dial.as_mut().poll(cx));
                if let State::DialHttp1 { request, .. } = self.take_state() {
                    match dialled {
                        Ok(mut connection) => {
                            connection.send(request);
                            self.state = State::ExchangeHttp1 {
                                connection,
                                is_reused: false,
                            };
                        }
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
            State::AwaitHttp2 { connecting, .. } => {
                let connected = ready!(connecting.poll_unpin(cx)).unwrap_or_else(|gone| {
                    let kind = UpstreamErrorKind::Dial;
                    Err(UpstreamError::new(kind).with_source(gone).unsent(true))
                });
                if let State::AwaitHttp2 {
                    request, attempt, ..
                } = self.take_state()
                {
                    match self.join_http2(connected, request, attempt) {
                        Ok(state) => self.state = state,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
            State::Http1(_) | State::Http2 { .. } | State::Refused(_) | State::Done => {
                return Poll::Ready(self.start());
            }
        }
        Poll::Ready(None)
    }

    fn start(&mut self) -> Option<Answer<B>> {
        match self.take_state() {
            State::Http1(request) => self.state = self.start_http1(request),
            State::Http2 { request, attempt } => self.state = self.start_http2(request, attempt),
            State::Refused(error) => return Some(Err(error)),
            other => self.state = other,
        }
        None
    }
}

impl<B: RequestBody> Future for SendFuture<B> {
    type Output = Answer<B>;

    /// # Panics
    ///
    /// If it is polled again after it was ready, as futures may.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            assert!(
                !matches!(this.state, State::Done),
                "`SendFuture` polled after completion"
            );
            if let Some(answer) = ready!(this.step(cx)) {
                return Poll::Ready(answer);
            }
        }
    }
}

impl<B: RequestBody> fmt::Debug for SendFuture<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SendFuture")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn exchange_http2<B: RequestBody>(
    connection: Http2Connection<B>,
    request: Request<B>,
    attempt: usize,
) -> State<B> {
    State::ExchangeHttp2 {
        exchange: http2::Exchange::new(connection, request),
        attempt,
    }
}

/// How many HTTP/2 connections may turn out to be closed before a request gives up.
const MAX_ATTEMPTS: usize = 8;
