//! The way from a request to the head of its response.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;

use super::codec::{BoxHttp1Connection, Http1Outcome};
use super::destination::Destination;
use super::error::{UpstreamError, UpstreamErrorKind};
use super::handle::Handle;
use super::http1::Outgoing;
use super::http2::{self, Choice, Http2Connection, Seat};
use super::limited::{Ask, Place, Turn};
use super::state::{State, start_http1, start_http2};
use super::{Protocol, UpgradedUpstream, UpstreamBody};

/// Response future of [`Pool::send`](super::Pool::send).
///
/// # Cancellation
///
/// Dropping it closes the HTTP/1 connection or resets the HTTP/2 stream that it uses,
/// and gives up an HTTP/1 connection that is being opened. An HTTP/2 connection that is
/// being opened is kept for others. A request that waits for a connection leaves the queue.
#[must_use = "futures do nothing unless polled"]
pub struct SendFuture<B: Send> {
    handle: Handle<B>,
    destination: Destination,
    state: State<B>,
}

type Answer<B> = Result<Response<UpstreamBody<B>>, UpstreamError>;

impl<B: Send> SendFuture<B> {
    pub(super) fn new(
        handle: Handle<B>,
        destination: Destination,
        protocol: Protocol,
        request: Request<B>,
    ) -> Self
    where
        B: Body,
    {
        let state = match protocol {
            Protocol::Http1 => {
                Outgoing::new(request).map(|request| start_http1(&handle, &destination, request))
            }
            Protocol::Http2 => start_http2(&destination, request),
        };
        let state = state.unwrap_or_else(|reason| {
            let kind = UpstreamErrorKind::InvalidRequest;
            State::Refused(
                UpstreamError::new(kind)
                    .with_source(reason)
                    .with_unsent(true),
            )
        });
        Self {
            handle,
            destination,
            state,
        }
    }

    /// Whether it waits for the endpoint: for a connection to open, or for the answer to a
    /// request that is sent to its end. It does not while it waits for its own turn, or for more
    /// of the request's body.
    #[must_use]
    pub fn awaits_endpoint(&self) -> bool {
        match &self.state {
            State::DialHttp1 { .. } | State::AwaitHttp2 { .. } => true,
            State::ExchangeHttp1 { connection, .. } => connection.is_request_sent(),
            State::ExchangeHttp2 { exchange, .. } => exchange.is_request_sent(),
            State::QueueHttp1 { .. }
            | State::QueueHttp2 { .. }
            | State::Http2 { .. }
            | State::Refused(_)
            | State::Done => false,
        }
    }

    fn choose_http2(
        &self,
        request: Box<Request<B>>,
        attempt: usize,
        place: Option<Place>,
    ) -> State<B> {
        let awaited = attempt > 1;
        match self.handle.choose_http2(&self.destination, place, awaited) {
            Ok(Ask::Chosen(Choice::Use(connection, seat))) => {
                self.handle.counters().reused();
                self.exchange_http2(connection, seat, *request, attempt)
            }
            Ok(Ask::Chosen(Choice::Await(connecting))) => State::AwaitHttp2 {
                request,
                attempt,
                connecting,
            },
            Ok(Ask::Later(waiting)) => State::QueueHttp2 {
                request,
                attempt,
                waiting,
            },
            Err(overloaded) => State::Refused(overloaded),
        }
    }

    fn exchange_http2(
        &self,
        connection: Http2Connection<B>,
        seat: Seat,
        request: Request<B>,
        attempt: usize,
    ) -> State<B> {
        State::ExchangeHttp2 {
            exchange: self.handle.begin_http2(connection, seat, request),
            attempt,
        }
    }

    /// With a connection just opened, which many may have waited for.
    fn join_http2(
        &self,
        connected: Result<Http2Connection<B>, UpstreamError>,
        request: Box<Request<B>>,
        attempt: usize,
    ) -> Result<State<B>, UpstreamError> {
        let connection = connected?;
        // Somebody got on it, so this ends.
        if connection.is_used_and_up() {
            return Ok(self.choose_http2(request, attempt, None));
        }
        let patience = match self.destination.limit() {
            None => self.handle.settings().http2.max_connections,
            // It gets in line.
            Some(_) => usize::MAX,
        };
        let seat = match self.handle.seat(&self.destination, &connection) {
            Some(seat) => seat,
            // Those who came first took all of it; but nobody tries for ever.
            None if attempt <= patience => {
                return Ok(self.choose_http2(request, attempt + 1, None));
            }
            None => connection.seat(),
        };
        Ok(self.exchange_http2(connection, seat, *request, attempt))
    }

    fn finish_http1(
        &mut self,
        outcome: Http1Outcome<B>,
        mut connection: BoxHttp1Connection<B>,
        is_reused: bool,
    ) -> Option<Answer<B>> {
        match outcome {
            Http1Outcome::Answered(response) => Some(Ok(
                response.map(|()| UpstreamBody::http1(connection, &self.handle))
            )),
            Http1Outcome::Switched(mut response) => {
                let upgraded = UpgradedUpstream::new(connection.into_upgraded());
                response.extensions_mut().insert(upgraded);
                Some(Ok(response.map(|()| UpstreamBody::none())))
            }
            // The backend had closed it while it was idle, which says nothing about
            // the backend or the request.
            Http1Outcome::Unsent(request, _) if is_reused => {
                self.state = match connection.take_place() {
                    // It need not wait for what it has.
                    Some(place) => self.dial_http1(request, Some(place)),
                    None => start_http1(&self.handle, &self.destination, *request),
                };
                None
            }
            Http1Outcome::Unsent(_, error) | Http1Outcome::Failed(error) => Some(Err(error)),
        }
    }

    fn finish_http2(&mut self, outcome: http2::Outcome<B>, attempt: usize) -> Option<Answer<B>> {
        match outcome {
            http2::Outcome::Answered(response, stream) => Some(Ok(
                response.map(|incoming| UpstreamBody::http2(incoming, stream))
            )),
            http2::Outcome::Switched(response) => Some(Ok(response.map(|()| UpstreamBody::none()))),
            http2::Outcome::Unsent(request, _) if attempt < MAX_ATTEMPTS => {
                self.state = State::Http2 {
                    request: Box::new(request),
                    attempt: attempt + 1,
                    place: None,
                };
                None
            }
            http2::Outcome::Unsent(_, error) | http2::Outcome::Failed(error) => Some(Err(error)),
        }
    }

    fn dial_http1(&self, request: Box<Outgoing<B>>, place: Option<Place>) -> State<B> {
        State::DialHttp1 {
            request,
            dial: self.handle.open_http1(&self.destination, place),
        }
    }

    /// What a request does whose turn it is.
    fn resume(&mut self, turn: Result<Turn<B>, UpstreamError>) -> Option<Answer<B>> {
        let turn = match turn {
            Ok(turn) => turn,
            Err(error) => {
                self.handle.counters().overloaded();
                self.state = State::Done;
                return Some(Err(error));
            }
        };
        self.state = match (self.take_state(), turn) {
            (State::QueueHttp1 { request, .. }, Turn::Use(mut connection)) => {
                self.handle.counters().reused();
                connection.send(*request);
                State::ExchangeHttp1 {
                    connection,
                    is_reused: true,
                }
            }
            (State::QueueHttp1 { request, .. }, Turn::Open(place)) => {
                self.dial_http1(request, Some(place))
            }
            (
                State::QueueHttp2 {
                    request, attempt, ..
                },
                Turn::Share(connection, seat),
            ) => {
                self.handle.counters().reused();
                self.exchange_http2(connection, seat, *request, attempt)
            }
            (
                State::QueueHttp2 {
                    request, attempt, ..
                },
                Turn::Open(place),
            ) => State::Http2 {
                request,
                attempt,
                place: Some(place),
            },
            // Turns are given to those who asked for such.
            (other, _) => other,
        };
        None
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
                self.handle.counters().dialled(&dialled);
                if let State::DialHttp1 { request, .. } = self.take_state() {
                    match dialled {
                        Ok(mut connection) => {
                            connection.send(*request);
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
                    Err(UpstreamError::new(kind).with_source(gone).with_unsent(true))
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
            State::QueueHttp1 { waiting, .. } | State::QueueHttp2 { waiting, .. } => {
                let turn = ready!(waiting.poll(cx));
                return Poll::Ready(self.resume(turn));
            }
            State::Http2 { .. } | State::Refused(_) | State::Done => {
                return Poll::Ready(self.start());
            }
        }
        Poll::Ready(None)
    }

    fn start(&mut self) -> Option<Answer<B>> {
        match self.take_state() {
            State::Http2 {
                request,
                attempt,
                place,
            } => self.state = self.choose_http2(request, attempt, place),
            State::Refused(error) => return Some(Err(error)),
            // Polled again after its answer, which was the only one.
            State::Done => return Some(Err(UpstreamError::new(UpstreamErrorKind::Closed))),
            under_way @ (State::QueueHttp1 { .. }
            | State::QueueHttp2 { .. }
            | State::DialHttp1 { .. }
            | State::ExchangeHttp1 { .. }
            | State::AwaitHttp2 { .. }
            | State::ExchangeHttp2 { .. }) => self.state = under_way,
        }
        None
    }
}

impl<B: Send + Unpin> Future for SendFuture<B> {
    type Output = Answer<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        loop {
            if let Some(answer) = ready!(this.step(cx)) {
                return Poll::Ready(answer);
            }
        }
    }
}

impl<B: Send> fmt::Debug for SendFuture<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SendFuture")
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// How many HTTP/2 connections may turn out to be closed before a request gives up.
const MAX_ATTEMPTS: usize = 8;
