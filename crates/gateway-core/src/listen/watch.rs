//! Deadlines of a connection, without a timer.
//!
//! A connection notes on a coarse clock since when it waits for something. A
//! worker's ticker looks at all of them a few times a second and ends those that
//! wait for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use super::clock::{Clock, Deadlines, ticks};

/// What a connection waits for, and since when.
#[derive(Debug)]
pub(crate) struct Watch {
    clock: Arc<Clock>,
    /// Since when no request is in flight.
    idle_since: AtomicU32,
    /// Since when the next head is being read; 0 before its first byte.
    head_since: AtomicU32,
    /// Since when a request's body has been waited for; 0 if it is not.
    body_since: AtomicU32,
    /// Since when the client has not taken what is offered; 0 if it does.
    write_since: AtomicU32,
    in_flight: AtomicU32,
    /// How many streams have not taken what they were offered.
    offered: AtomicU32,
    /// When the last of them took something.
    taken_at: AtomicU32,
    multiplexed: AtomicBool,
    served: AtomicBool,
    /// For how long a connection that is not HTTP may move nothing; 0 for HTTP.
    still_limit: AtomicU32,
    /// When it last moved something.
    moved_at: AtomicU32,
    signal: AtomicU8,
    waker: AtomicWaker,
}

/// What a connection is told from outside.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Signal {
    /// Go on.
    None,
    /// Finish what has begun, begin nothing.
    Drain,
    /// End now.
    Close,
}

impl Watch {
    pub(super) fn new(clock: Arc<Clock>) -> Self {
        let now = clock.now();
        Self {
            clock,
            idle_since: AtomicU32::new(now),
            head_since: AtomicU32::new(0),
            body_since: AtomicU32::new(0),
            write_since: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            offered: AtomicU32::new(0),
            taken_at: AtomicU32::new(0),
            multiplexed: AtomicBool::new(false),
            served: AtomicBool::new(false),
            still_limit: AtomicU32::new(0),
            moved_at: AtomicU32::new(now),
            signal: AtomicU8::new(0),
            waker: AtomicWaker::new(),
        }
    }

    /// HTTP/2: bytes between requests are not the beginning of a head.
    pub(crate) fn set_multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Relaxed);
    }

    /// It is no HTTP, and late only when nothing has moved for `limit`.
    pub(crate) fn set_still_limit(&self, limit: Duration) {
        self.moved();
        self.still_limit
            .store(ticks(limit).max(1), Ordering::Relaxed);
    }

    /// Bytes have moved, in whatever direction.
    pub(crate) fn moved(&self) {
        self.moved_at.store(self.clock.now(), Ordering::Relaxed);
    }

    pub(crate) fn bytes_read(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0
            && self.head_since.load(Ordering::Relaxed) == 0
        {
            self.head_since.store(self.clock.now(), Ordering::Relaxed);
        }
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn write_waits(&self, waits: bool) {
        set_since(&self.write_since, waits, &self.clock);
    }

    pub(crate) fn body_waits(&self, waits: bool) {
        set_since(&self.body_since, waits, &self.clock);
    }

    /// HTTP/2: a part of a response was given out, and its stream has yet to take it.
    /// Until the guard is dropped.
    pub(crate) fn offer(self: &Arc<Self>) -> Offered {
        if self.offered.fetch_add(1, Ordering::Relaxed) == 0 {
            self.taken_at.store(self.clock.now(), Ordering::Relaxed);
        }
        Offered(Arc::clone(self))
    }

    pub(crate) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Ordering::Relaxed)
    }

    /// A request's head is complete. It is in flight until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        self.served.store(true, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(crate) fn signal(&self) -> Signal {
        match self.signal.load(Ordering::Acquire) {
            0 => Signal::None,
            1 => Signal::Drain,
            _ => Signal::Close,
        }
    }

    /// Wakes `waker` whenever there is a signal.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(super) fn tell(&self, signal: Signal) {
        self.signal.fetch_max(signal as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Whether it has waited too long for something.
    pub(super) fn is_late(&self, deadlines: &Deadlines) -> bool {
        let now = self.clock.now();
        let late = |since: &AtomicU32, limit: Duration| {
            let since = since.load(Ordering::Relaxed);
            since != 0 && now.saturating_sub(since) > ticks(limit)
        };

        let still_limit = self.still_limit.load(Ordering::Relaxed);
        if still_limit != 0 {
            let moved_at = self.moved_at.load(Ordering::Relaxed);
            return now.saturating_sub(moved_at) > still_limit;
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            let offered = self.offered.load(Ordering::Relaxed) > 0;
            return late(&self.body_since, deadlines.stall)
                || late(&self.write_since, deadlines.stall)
                || (offered && late(&self.taken_at, deadlines.stall));
        }
        if !self.served.load(Ordering::Relaxed) {
            return late(&self.idle_since, deadlines.head);
        }
        if self.multiplexed.load(Ordering::Relaxed) {
            return late(&self.idle_since, deadlines.http2_idle);
        }
        late(&self.head_since, deadlines.head)
            || (self.head_since.load(Ordering::Relaxed) == 0
                && late(&self.idle_since, deadlines.idle))
    }
}

/// A request whose response has not ended.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Watch>);

impl InFlight {
    /// Watches whether a part of the response is taken, where nothing else would
    /// tell: HTTP/2 has a window for each stream.
    pub(crate) fn offer(&self) -> Option<Offered> {
        self.0.is_multiplexed().then(|| self.0.offer())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let watch = &self.0;
        if watch.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            watch.idle_since.store(watch.clock.now(), Ordering::Relaxed);
            watch.body_since.store(0, Ordering::Relaxed);
        }
    }
}

/// A part of a response that a stream has not taken.
#[derive(Debug)]
pub(crate) struct Offered(Arc<Watch>);

impl Drop for Offered {
    fn drop(&mut self) {
        let watch = &self.0;
        watch.taken_at.store(watch.clock.now(), Ordering::Relaxed);
        watch.offered.fetch_sub(1, Ordering::Relaxed);
    }
}

fn set_since(since: &AtomicU32, waits: bool, clock: &Clock) {
    let already = since.load(Ordering::Relaxed) != 0;
    if waits != already {
        since.store(if waits { clock.now() } else { 0 }, Ordering::Relaxed);
    }
}
