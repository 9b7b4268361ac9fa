//! What the pool asks of the codecs, and no more.
//!
//! The codecs need to know how a request body fails, and what they are spoken over; the
//! pool's own types do not. Keeping them behind these traits spares every type that
//! holds a connection the bounds of a body, and lets a codec be replaced.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::connections::Connections;
use super::counts::Counters;
use super::destination::Destination;
use super::dial::dial;
use super::error::UpstreamError;
use super::http1::{Connection, Outgoing, Transport};
use super::http2::{self, Connecting, Exchange, Http2Connection, Seat};
use super::limited::{Gate, Place};
use super::settings::PoolSettings;
use super::stream::Split;
use super::upgrade::UpgradedTransport;
use super::{Protocol, RequestBody};
use crate::connections::ConnectionLimit;

/// An HTTP/1 connection being opened.
pub(super) type Dial<B> =
    Pin<Box<dyn Future<Output = Result<BoxHttp1Connection<B>, UpstreamError>> + Send>>;

pub(super) type BoxHttp1Connection<B> = Box<dyn Http1Connection<B>>;

/// An HTTP/1 connection, which carries one exchange at a time.
///
/// Dropping it closes it, which is how HTTP/1 cancels.
pub(super) trait Http1Connection<B>: Send {
    /// Where it leads.
    fn destination(&self) -> &Destination;

    /// Whether it gets no more requests, because it is too old or has had enough.
    fn is_used_up(&self) -> bool;

    /// Its place among those of a limit, which it gives up.
    fn take_place(&mut self) -> Option<Place>;

    /// When it was last parked.
    fn idle_since(&self) -> Instant;

    /// Begins an exchange. Nothing happens before it is polled.
    fn send(&mut self, request: Outgoing<B>);

    /// Whether nothing is left of the request.
    fn is_request_sent(&self) -> bool;

    /// Drives the exchange to the head of its response.
    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Poll<Http1Outcome<B>>;

    /// Drives the exchange to the next frame of the response's body.
    ///
    /// `None` in place of a frame means that the body is complete.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>>;

    /// The body of the response, if all of it is there already and not empty.
    fn take_whole_body(&mut self) -> Option<Bytes>;

    /// Whether the body has no more frames.
    fn is_end_stream(&self) -> bool;

    /// How long the rest of the body is, as far as that is known.
    fn size_hint(&self) -> SizeHint;

    /// Makes the connection wait for its next request, and says whether it can.
    ///
    /// It can if request and response are both complete, both sides want to keep it,
    /// and nothing came behind the response.
    fn park(&mut self) -> bool;

    /// Notices whether the backend closed the connection while it was parked.
    fn is_alive(&mut self) -> bool;

    /// Takes apart a connection on which HTTP has ended.
    fn into_upgraded(self: Box<Self>) -> UpgradedTransport;
}

/// How an HTTP/1 exchange came out.
pub(super) enum Http1Outcome<B> {
    /// The head of a response that may be believed. The connection has its body.
    Answered(Response<()>),
    /// The head of a response behind which another protocol begins.
    Switched(Response<()>),
    /// The connection had closed before the request was begun; here it is again, in a
    /// box because it is large and seldom comes back.
    Unsent(Box<Outgoing<B>>, UpstreamError),
    /// There is no response.
    Failed(UpstreamError),
}

/// Begins connections and HTTP/2 exchanges.
pub(super) trait Codecs<B: Send>: Send + Sync {
    /// Opens an HTTP/1 connection, in its place if there is a limit.
    fn open_http1(
        &self,
        destination: &Destination,
        settings: &PoolSettings,
        place: Option<Place>,
    ) -> Dial<B>;

    /// Opens an HTTP/2 connection in a task of its own, which counts what came of it.
    fn open_http2(
        &self,
        destination: &Destination,
        settings: &PoolSettings,
        counters: Arc<Counters>,
        place: Option<Place>,
    ) -> Connecting<B>;

    /// Begins to limit connections.
    fn gate(&self, connections: &Connections, limit: ConnectionLimit) -> Arc<Gate<B>>;

    /// Begins an exchange on an HTTP/2 connection.
    fn begin_http2(
        &self,
        connection: Http2Connection<B>,
        seat: Seat,
        request: Request<B>,
    ) -> Exchange<B>;
}

/// Our own HTTP/1, and hyper's HTTP/2.
pub(super) struct OverSockets;

impl<B: RequestBody> Codecs<B> for OverSockets {
    fn open_http1(
        &self,
        destination: &Destination,
        settings: &PoolSettings,
        place: Option<Place>,
    ) -> Dial<B> {
        let (destination, settings) = (destination.clone(), destination.settings(settings));
        Box::pin(async move {
            let stream = dial(&destination, Protocol::Http1, &settings).await?;
            // Each kind of stream has a codec of its own, so that bytes in the clear do
            // not pay for those that are encrypted.
            Ok(match stream {
                Split::Tcp(tcp) => http1(tcp, destination, &settings, place),
                #[cfg(feature = "tls")]
                Split::Tls(tls) => http1(*tls, destination, &settings, place),
            })
        })
    }

    fn open_http2(
        &self,
        destination: &Destination,
        settings: &PoolSettings,
        counters: Arc<Counters>,
        place: Option<Place>,
    ) -> Connecting<B> {
        let settings = destination.settings(settings);
        http2::connect(destination.clone(), settings, counters, place)
    }

    fn gate(&self, connections: &Connections, limit: ConnectionLimit) -> Arc<Gate<B>> {
        Gate::new(connections, limit)
    }

    fn begin_http2(
        &self,
        connection: Http2Connection<B>,
        seat: Seat,
        request: Request<B>,
    ) -> Exchange<B> {
        Exchange::new(connection, seat, request)
    }
}

fn http1<B: RequestBody, S: Transport>(
    stream: S,
    destination: Destination,
    settings: &PoolSettings,
    place: Option<Place>,
) -> BoxHttp1Connection<B> {
    Box::new(Connection::new(stream, destination, settings, place))
}
