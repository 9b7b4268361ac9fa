//! Coarse time, and how much of it clients get.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long a client may keep the gateway waiting.
///
/// Source of the defaults: what Envoy and nginx recommend for the edge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deadlines {
    /// From the connection to the first request's head, complete; and for every
    /// later head from its first byte. 10 s by default.
    pub head: Duration,
    /// Between requests of an HTTP/1.1 connection. 60 s by default.
    pub idle: Duration,
    /// Without streams on an HTTP/2 connection. 300 s by default.
    pub http2_idle: Duration,
    /// Without a byte of a body that is waited for, or a byte taken of a response
    /// that is offered. 60 s by default.
    pub stall: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            http2_idle: Duration::from_secs(300),
            stall: Duration::from_secs(60),
        }
    }
}

/// Coarse time, in tenths of a second since the gateway began. Never 0.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    now: AtomicU32,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            now: AtomicU32::new(1),
        }
    }

    /// Called by tickers.
    pub(crate) fn advance(&self) {
        self.now.store(
            ticks(self.start.elapsed()).saturating_add(1),
            Ordering::Relaxed,
        );
    }

    pub(super) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }
}

pub(super) fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis() / 100).unwrap_or(u32::MAX)
}
