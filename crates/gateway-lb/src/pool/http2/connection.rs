//! One connection, from dialling to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use futures_util::task::AtomicWaker;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

use super::message::TrackedBody;
use crate::pool::counts::Counters;
use crate::pool::destination::Destination;
use crate::pool::dial::dial;
use crate::pool::error::{UpstreamError, UpstreamErrorKind};
use crate::pool::life::Life;
use crate::pool::limited::{Place, Room};
use crate::pool::settings::PoolSettings;
use crate::pool::{Protocol, RequestBody, UpstreamStream};

/// A connection being opened, for all who wait for it. It is an error for all alike.
///
/// The outer error means that the runtime went away.
pub(in crate::pool) type Connecting<B> = Shared<oneshot::Receiver<Connected<B>>>;

type Connected<B> = Result<Http2Connection<B>, UpstreamError>;

/// A handle to a connection. The connection closes once all handles are gone and its
/// streams have ended.
pub(in crate::pool) struct Http2Connection<B> {
    sender: SendRequest<TrackedBody<B>>,
    load: Arc<Load>,
}

impl<B> Http2Connection<B> {
    /// Whether it takes no more requests: it is closed, or the backend is going away.
    pub(in crate::pool) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether the backend takes another stream now.
    pub(in crate::pool) fn has_room(&self) -> bool {
        self.load.active() < self.load.limit.load(Ordering::Relaxed)
    }

    /// Whether it gets no more requests. Letting go of it leaves those on it alone.
    pub(in crate::pool) fn is_used_up(&self) -> bool {
        self.load.life.is_over(self.load.begun())
    }

    /// Whether it gets no more requests, and has had one: whoever has waited for it to open may
    /// use it once, however little time that leaves it.
    pub(in crate::pool) fn is_used_and_up(&self) -> bool {
        self.load.begun() > 0 && self.is_used_up()
    }

    /// Takes a place for an exchange, whether there is room or not.
    pub(in crate::pool) fn seat(&self) -> Seat {
        self.load.begin();
        Seat {
            load: Arc::clone(&self.load),
        }
    }

    /// How many exchanges are on it.
    pub(in crate::pool) fn active(&self) -> usize {
        self.load.active()
    }

    /// Whether the backend takes an extended CONNECT (RFC 8441, section 3). It says so
    /// when the connection begins, which is waited for.
    ///
    /// Of a connection that has closed it is taken to be so: sending will tell.
    pub(super) async fn takes_extended_connect(&self) -> bool {
        let load = &self.load;
        loop {
            let told = load.told.notified();
            if load.extended.load(Ordering::Relaxed) || self.is_closed() {
                return true;
            }
            if load.settled.load(Ordering::Acquire) {
                // It was the last to be written.
                return load.extended.load(Ordering::Relaxed);
            }
            // Nobody wakes the driver for what has changed about its connection.
            load.driver.wake();
            let _ = timeout(LOOK, told).await;
        }
    }

    pub(super) fn sender(&mut self) -> &mut SendRequest<TrackedBody<B>> {
        &mut self.sender
    }
}

// Not derived, which would ask for a body that can be cloned.
impl<B> Clone for Http2Connection<B> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            load: Arc::clone(&self.load),
        }
    }
}

/// An exchange's place on its connection, until it is dropped.
pub(in crate::pool) struct Seat {
    load: Arc<Load>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.load.end();
        self.load.room.tell();
    }
}

/// How busy a connection is.
#[derive(Debug)]
struct Load {
    /// Exchanges that began in the upper half, those that did not end in the lower half: they
    /// are counted with one write.
    exchanges: AtomicU64,
    life: Life,
    limit: AtomicUsize,
    opened: Instant,
    /// Whether the backend takes an extended CONNECT, as far as is known.
    extended: AtomicBool,
    /// Whether it has said so, or had the time to.
    settled: AtomicBool,
    /// Wakes those who wait to know.
    told: Notify,
    /// Makes the driver look.
    driver: AtomicWaker,
    /// Who wants to know of a seat that is free again.
    room: Room,
}

impl Load {
    fn begin(&self) {
        self.exchanges.fetch_add(BEGUN | 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.exchanges.fetch_sub(1, Ordering::Relaxed);
    }

    fn active(&self) -> usize {
        // The lower half fits.
        (self.exchanges.load(Ordering::Relaxed) % BEGUN) as usize
    }

    fn begun(&self) -> u32 {
        (self.exchanges.load(Ordering::Relaxed) / BEGUN) as u32
    }
}

/// One exchange that began.
const BEGUN: u64 = 1 << 32;

/// Opens a connection in a task of its own, so that it does not die with the request
/// that happened to be first.
pub(in crate::pool) fn connect<B: RequestBody>(
    destination: Destination,
    settings: PoolSettings,
    counters: Arc<Counters>,
    place: Option<Place>,
) -> Connecting<B> {
    let (sender, receiver) = oneshot::channel();
    let room = Room::of(place.as_ref());
    tokio::spawn(async move {
        let connected = match dial(&destination, Protocol::Http2, &settings).await {
            Ok(stream) => handshake(stream.into(), &settings, place).await,
            Err(error) => Err(error),
        };
        counters.dialled(&connected);
        // If nobody waits any longer, there is nobody to tell.
        let _: Result<(), _> = sender.send(connected);
        room.tell();
    });
    receiver.shared()
}

async fn handshake<B: RequestBody>(
    stream: UpstreamStream,
    settings: &PoolSettings,
    place: Option<Place>,
) -> Connected<B> {
    let http2 = &settings.http2;
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .adaptive_window(false)
        .initial_stream_window_size(http2.stream_window)
        .initial_connection_window_size(http2.connection_window)
        .max_header_list_size(http2.max_header_list)
        .max_send_buf_size(http2.max_send_buffer)
        .keep_alive_interval(http2.ping_interval)
        .keep_alive_timeout(http2.ping_timeout)
        .keep_alive_while_idle(false)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| {
            UpstreamError::new(UpstreamErrorKind::Handshake)
                .with_source(error)
                .with_unsent(true)
        })?;

    let load = Arc::new(Load {
        exchanges: AtomicU64::new(0),
        life: Life::new(settings.use_limits),
        limit: AtomicUsize::new(connection.current_max_send_streams()),
        opened: Instant::now(),
        extended: AtomicBool::new(false),
        settled: AtomicBool::new(false),
        told: Notify::new(),
        driver: AtomicWaker::new(),
        room: Room::of(place.as_ref()),
    });
    tokio::spawn(Driver {
        connection,
        load: Arc::clone(&load),
        is_settled: false,
        _place: place,
    });
    Ok(Http2Connection { sender, load })
}

/// Drives a connection, and watches how many streams the backend allows.
///
/// The codec's future is polled for each request, so what the backend said after the
/// last one is known with the next. Streams beyond the limit wait their turn in the codec; none
/// is refused. Where connections are limited there are only those that were begun before the
/// backend had said how many it takes.
struct Driver<B: RequestBody> {
    connection: Connection<TokioIo<UpstreamStream>, TrackedBody<B>, TokioExecutor>,
    load: Arc<Load>,
    /// As in `load`, for nobody else to touch.
    is_settled: bool,
    /// Until the connection has ended.
    _place: Option<Place>,
}

impl<B: RequestBody> Driver<B> {
    fn settle(&mut self, cx: &Context<'_>) {
        self.load.driver.register(cx.waker());
        let extended = self.connection.is_extended_connect_protocol_enabled();
        self.is_settled = extended || self.load.opened.elapsed() > SETTLING;
        if self.is_settled {
            self.load.extended.store(extended, Ordering::Relaxed);
            self.load.settled.store(true, Ordering::Release);
            self.load.told.notify_waiters();
        }
    }
}

/// The backend's settings are the first that it sends, and take one round trip.
const SETTLING: Duration = Duration::from_secs(1);

/// How long who waits for them goes without another look.
const LOOK: Duration = Duration::from_millis(2);

impl<B: RequestBody> Future for Driver<B> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let end = Pin::new(&mut this.connection).poll(cx);
        let limit = this.connection.current_max_send_streams();
        let before = this.load.limit.swap(limit, Ordering::Relaxed);
        if limit > before {
            this.load.room.tell();
        }
        if !this.is_settled {
            this.settle(cx);
        }
        // Each stream hears of an error by itself.
        end.map(|_| ())
    }
}
