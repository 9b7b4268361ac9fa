//! Where a request is on its way to an answer.

use http::Request;

use super::codec::{BoxHttp1Connection, Dial};
use super::destination::Destination;
use super::error::{InvalidRequest, UpstreamError};
use super::handle::{Checkout, Handle};
use super::http1::Outgoing;
use super::http2::{self, Connecting};
use super::limited::{Place, Waiting};

/// What a request is about.
///
/// What is not met by every request is boxed: the whole is moved from layer to layer.
pub(super) enum State<B: Send> {
    QueueHttp1 {
        request: Box<Outgoing<B>>,
        waiting: Box<Waiting<B>>,
    },
    DialHttp1 {
        request: Box<Outgoing<B>>,
        dial: Dial<B>,
    },
    ExchangeHttp1 {
        connection: BoxHttp1Connection<B>,
        is_reused: bool,
    },
    QueueHttp2 {
        request: Box<Request<B>>,
        attempt: usize,
        waiting: Box<Waiting<B>>,
    },
    Http2 {
        request: Box<Request<B>>,
        attempt: usize,
        /// What it has waited for.
        place: Option<Place>,
    },
    AwaitHttp2 {
        request: Box<Request<B>>,
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

/// Begins with a connection that is there, or with the way to one.
pub(super) fn start_http1<B: Send>(
    handle: &Handle<B>,
    destination: &Destination,
    request: Outgoing<B>,
) -> State<B> {
    match handle.check_out(destination) {
        Ok(Checkout::Idle(mut connection)) => {
            handle.counters().reused();
            connection.send(request);
            State::ExchangeHttp1 {
                connection,
                is_reused: true,
            }
        }
        Ok(Checkout::Open(place)) => State::DialHttp1 {
            request: Box::new(request),
            dial: handle.open_http1(destination, place),
        },
        Ok(Checkout::Wait(waiting)) => State::QueueHttp1 {
            request: Box::new(request),
            waiting,
        },
        Err(overloaded) => State::Refused(overloaded),
    }
}

/// Begins with the request as HTTP/2 has it.
pub(super) fn start_http2<B: Send>(
    destination: &Destination,
    mut request: Request<B>,
) -> Result<State<B>, InvalidRequest> {
    http2::into_http2(&mut request, destination)?;
    Ok(State::Http2 {
        request: Box::new(request),
        attempt: 1,
        place: None,
    })
}
