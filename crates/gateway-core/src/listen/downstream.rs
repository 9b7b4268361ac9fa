//! HTTP towards the client. Only this module knows hyper's server side.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::detect::Spoken;
use super::stream::ClientStream;
use super::watch::{InFlight, Offered, Signal, Watch};
use crate::admission::{open_extended_connect, strip_trailers};
use crate::exchange::Exchange;
use crate::telemetry::Counted;
use crate::{Body, BoxError};

/// Serves a connection until it ends, or its watch says so.
pub(super) async fn serve(spoken: Spoken, stream: ClientStream, connection: Arc<Connection>) {
    let watch = Arc::clone(connection.watch());
    let io = TokioIo::new(stream);
    let service = HttpService { connection };
    // A connection that fails is the client's affair; requests were answered or
    // logged on their own.
    match spoken {
        Spoken::Http1 => {
            let http = http1().serve_connection(io, service).with_upgrades();
            let _ = Serving {
                http,
                watch,
                state: ServingState::New,
            }
            .await;
        }
        Spoken::Http2 => {
            watch.set_multiplexed();
            let http = http2().serve_connection(io, service);
            let _ = Serving {
                http,
                watch,
                state: ServingState::New,
            }
            .await;
        }
    }
}

fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Deadlines are kept by the watch, without a timer for each request.
    builder
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        .half_close(false);
    builder
}

fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .max_header_list_size(32 * 1024)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_send_buf_size(64 * 1024)
        .enable_connect_protocol()
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// A head must fit in here; hyper answers 431 to a larger one.
const HEAD_BYTES: usize = 64 * 1024;

/// hyper's two kinds of connection.
trait Http: Future<Output = hyper::Result<()>> {
    fn drain(self: Pin<&mut Self>);
}

impl Http for http1::UpgradeableConnection<TokioIo<ClientStream>, HttpService> {
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl Http for http2::Connection<TokioIo<ClientStream>, HttpService, TokioExecutor> {
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

pin_project! {
    /// A connection that listens to its watch.
    struct Serving<C> {
        #[pin]
        http: C,
        watch: Arc<Watch>,
        state: ServingState,
    }
}

#[derive(Eq, PartialEq)]
enum ServingState {
    New,
    Open,
    Draining,
}

impl<C: Http> Future for Serving<C> {
    type Output = hyper::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if *this.state == ServingState::New {
            // Once is enough: it is the task that is woken, and that stays the same.
            this.watch.register(cx.waker());
            *this.state = ServingState::Open;
        }
        match this.watch.signal() {
            Signal::None => {}
            Signal::Drain if *this.state == ServingState::Draining => {}
            Signal::Drain => {
                // A request that has arrived is served; hyper would close at once.
                if let Poll::Ready(end) = this.http.as_mut().poll(cx) {
                    return Poll::Ready(end);
                }
                this.http.as_mut().drain();
                *this.state = ServingState::Draining;
            }
            Signal::Close => {
                if !this.watch.is_in_flight() {
                    // TLS and HTTP/2 say goodbye, if that can be written at once.
                    this.http.as_mut().drain();
                    let _ = this.http.poll(cx);
                }
                return Poll::Ready(Ok(()));
            }
        }
        this.http.poll(cx)
    }
}

/// What hyper calls for each request.
struct HttpService {
    connection: Arc<Connection>,
}

impl hyper::service::Service<Request<Incoming>> for HttpService {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Responding;

    fn call(&self, request: Request<Incoming>) -> Responding {
        let connection = &self.connection;
        let in_flight = connection.watch().begin();
        let http1 = request.version() != Version::HTTP_2;
        let mut request = request.map(|incoming| match incoming.is_end_stream() {
            true => Body::empty(),
            false => Body::downstream(RequestBody {
                incoming,
                watch: Arc::clone(connection.watch()),
            }),
        });
        if *request.method() == Method::CONNECT
            && let Some(protocol) = request.extensions_mut().remove::<Protocol>()
        {
            open_extended_connect(&mut request, protocol.as_str());
        }

        Responding {
            exchange: connection.exchange(request),
            in_flight: Some(in_flight),
            closing: http1.then(|| Arc::clone(connection)),
        }
    }
}

pin_project! {
    /// Turns the gateway's response into hyper's.
    struct Responding {
        #[pin]
        exchange: Exchange,
        in_flight: Option<InFlight>,
        // Asked at the end whether the connection may be used again.
        closing: Option<Arc<Connection>>,
    }
}

impl Future for Responding {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut response = ready!(this.exchange.as_mut().poll(cx));
        if this
            .closing
            .as_ref()
            .is_some_and(|connection| connection.is_draining())
            && response.status() != http::StatusCode::SWITCHING_PROTOCOLS
        {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }

        let in_flight = this.in_flight.take();
        let counted = this.exchange.take_counted();
        Poll::Ready(Ok(response.map(|body| ResponseBody {
            body,
            offered: None,
            in_flight,
            _counted: counted,
        })))
    }
}

/// A request's body as it comes from the client.
#[derive(Debug)]
pub(crate) struct RequestBody {
    incoming: Incoming,
    watch: Arc<Watch>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        self.watch.body_waits(frame.is_pending());
        let frame = ready!(frame).map(|frame| frame.map(strip_trailers));
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// A body on its way to the client; its request is in flight until it ends.
struct ResponseBody {
    body: Body,
    /// hyper does not come for more before the stream has taken the last part.
    offered: Option<Offered>,
    in_flight: Option<InFlight>,
    _counted: Option<Counted>,
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.offered = None;
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_some() {
            self.offered = self.in_flight.as_ref().and_then(InFlight::offer);
        }
        Poll::Ready(frame.map(|frame| frame.map(strip_trailers)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A promise of the client's connection, for when it stops speaking HTTP.
#[derive(Debug)]
pub(crate) struct OnUpgrade(hyper::upgrade::OnUpgrade);

impl OnUpgrade {
    /// Takes it out of a request that asks for an upgrade.
    pub(crate) fn take<B>(request: &mut Request<B>) -> Option<Self> {
        request.extensions_mut().remove().map(Self)
    }

    /// The connection, once the response has been sent; `None` if it has gone.
    pub(crate) async fn ready(self) -> Option<impl AsyncRead + AsyncWrite + Unpin + Send> {
        self.0.await.ok().map(TokioIo::new)
    }
}
