//! How connections are opened, kept and limited.

use std::num::NonZeroU32;
use std::time::Duration;

use super::life::UseLimits;

/// The settings of a [`Pool`](super::Pool).
///
/// The defaults suit a gateway that talks to backends in its own network. Limits
/// on idle connections hold for one endpoint on one thread.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PoolSettings {
    pub(super) dial_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) max_idle_per_endpoint: usize,
    pub(super) tcp_keep_alive: Option<Duration>,
    pub(super) max_response_head: usize,
    pub(super) max_buffer: usize,
    pub(super) use_limits: UseLimits,
    pub(super) http2: Http2Settings,
}

/// The part of [`PoolSettings`] that only HTTP/2 has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Http2Settings {
    pub(super) stream_window: u32,
    pub(super) connection_window: u32,
    pub(super) max_header_list: u32,
    pub(super) max_send_buffer: usize,
    pub(super) max_connections: usize,
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
}

impl PoolSettings {
    /// The defaults, which each `with_…` names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives up on a connection that is not open after `timeout`. 5 seconds by default.
    #[must_use]
    pub fn with_dial_timeout(mut self, timeout: Duration) -> Self {
        self.dial_timeout = timeout;
        self
    }

    /// Closes connections that nobody used for `timeout`. 30 seconds by default.
    ///
    /// It should be shorter than the backends' own limit, so that it is not the
    /// backend that closes a connection just as a request is sent on it.
    #[must_use]
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Keeps at most `max` idle HTTP/1 connections for an endpoint on each thread, or on each
    /// runtime where their number is [limited](super#connections-that-are-limited). 64 by
    /// default; 0 turns re-use off.
    #[must_use]
    pub fn with_max_idle_per_endpoint(mut self, max: usize) -> Self {
        self.max_idle_per_endpoint = max;
        self
    }

    /// Gives a connection no more requests once it is this old, or up to a tenth sooner, so that
    /// not all end at once. Those on it finish. Without a limit by default.
    ///
    /// Behind something that chooses among machines by connection, this is how new ones
    /// get their share.
    #[must_use]
    pub fn with_max_connection_age(mut self, age: Duration) -> Self {
        self.use_limits.age = Some(age);
        self
    }

    /// Gives a connection no more than `max` requests. Without a limit by default.
    #[must_use]
    pub fn with_max_requests_per_connection(mut self, max: NonZeroU32) -> Self {
        self.use_limits.requests = Some(max);
        self
    }

    /// Sends TCP keep-alive probes after `interval` of silence, or none. 60 seconds by default.
    #[must_use]
    pub fn with_tcp_keep_alive(mut self, interval: Option<Duration>) -> Self {
        self.tcp_keep_alive = interval;
        self
    }

    /// Refuses an HTTP/1 response whose head is longer than `bytes`. 64 KiB by default.
    ///
    /// Informational responses (1xx) before the head count as part of it, so this
    /// also bounds how many of them a backend can send. Trailers have the same limit.
    #[must_use]
    pub fn with_max_response_head(mut self, bytes: usize) -> Self {
        self.max_response_head = bytes;
        self
    }

    /// Lets an HTTP/1 connection read at most `bytes` ahead of whoever takes the
    /// response. 256 KiB by default, and never less than 8 KiB.
    ///
    /// No more than 64 KiB is read at a time, and no more than one part of the request
    /// is taken before it is written, so it is a limit only where it is below that.
    #[must_use]
    pub fn with_max_buffer(mut self, bytes: usize) -> Self {
        self.max_buffer = bytes.max(SMALLEST_BUFFER);
        self
    }

    /// Lets a backend send `bytes` on one HTTP/2 stream before the client has read them.
    /// 256 KiB by default.
    #[must_use]
    pub fn with_http2_stream_window(mut self, bytes: u32) -> Self {
        self.http2.stream_window = bytes;
        self
    }

    /// Lets a backend send `bytes` on one HTTP/2 connection before the clients have
    /// read them. 64 MiB by default.
    ///
    /// Streams of many clients share a connection. A small window lets a few slow
    /// readers starve all others; and half of it is what unread frames may cost that
    /// are smaller than 256 bytes, before the codec ends the connection. What is kept
    /// for one slow reader is bounded by the stream's window.
    #[must_use]
    pub fn with_http2_connection_window(mut self, bytes: u32) -> Self {
        self.http2.connection_window = bytes;
        self
    }

    /// Refuses HTTP/2 response headers and trailers longer than `bytes`. 64 KiB by default.
    #[must_use]
    pub fn with_http2_max_header_list(mut self, bytes: u32) -> Self {
        self.http2.max_header_list = bytes;
        self
    }

    /// Buffers at most `bytes` of a request on each HTTP/2 stream. 64 KiB by default.
    #[must_use]
    pub fn with_http2_max_send_buffer(mut self, bytes: usize) -> Self {
        self.http2.max_send_buffer = bytes;
        self
    }

    /// Opens at most `max` HTTP/2 connections to an endpoint on each thread. 4 by
    /// default, and never less than 1.
    ///
    /// There is one until the backend's limit of concurrent streams is reached. Where
    /// connections are [limited](crate::connections::ConnectionLimit), that limit takes the
    /// place of this one.
    #[must_use]
    pub fn with_http2_max_connections(mut self, max: usize) -> Self {
        self.http2.max_connections = max.max(1);
        self
    }

    /// Sends a PING after `interval` of silence on an HTTP/2 connection in use, and
    /// closes it without an answer within `timeout`. 30 and 10 seconds by default.
    #[must_use]
    pub fn with_http2_ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.http2.ping_interval = interval;
        self.http2.ping_timeout = timeout;
        self
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            dial_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            max_idle_per_endpoint: 64,
            tcp_keep_alive: Some(Duration::from_secs(60)),
            max_response_head: 64 * KIB,
            max_buffer: 256 * KIB,
            use_limits: UseLimits::default(),
            http2: Http2Settings::default(),
        }
    }
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            stream_window: 256 << 10,
            connection_window: 64 << 20,
            max_header_list: 64 << 10,
            max_send_buffer: 64 * KIB,
            max_connections: 4,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(10),
        }
    }
}

const KIB: usize = 1024;

/// What the HTTP/1 codec needs to make progress.
const SMALLEST_BUFFER: usize = 8 * KIB;
