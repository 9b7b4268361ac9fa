//! Deadlines of connections, without a timer for each.
//!
//! Connections note on a coarse clock since when they wait for something. A
//! worker's ticker looks at all of them a few times a second and ends those that
//! wait for too long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
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

    fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }
}

fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis() / 100).unwrap_or(u32::MAX)
}

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
    fn new(clock: Arc<Clock>) -> Self {
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
            signal: AtomicU8::new(0),
            waker: AtomicWaker::new(),
        }
    }

    /// HTTP/2: bytes between requests are not the beginning of a head.
    pub(crate) fn set_multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Relaxed);
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

    fn tell(&self, signal: Signal) {
        self.signal.fetch_max(signal as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    /// Whether it has waited too long for something.
    fn is_late(&self, deadlines: &Deadlines) -> bool {
        let now = self.clock.now();
        let late = |since: &AtomicU32, limit: Duration| {
            let since = since.load(Ordering::Relaxed);
            since != 0 && now.saturating_sub(since) > ticks(limit)
        };

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

/// The connections of one worker.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    watches: HashMap<u64, Arc<Watch>, foldhash::fast::RandomState>,
}

impl Watches {
    /// Watches a connection until the guard is dropped.
    pub(crate) fn open(self: &Arc<Self>, clock: &Arc<Clock>) -> Watched {
        let watch = Arc::new(Watch::new(Arc::clone(clock)));
        let mut open = self.lock();
        open.next += 1;
        let id = open.next;
        open.watches.insert(id, Arc::clone(&watch));
        drop(open);

        Watched {
            watches: Arc::clone(self),
            id,
            watch,
        }
    }

    /// Ends the connections that are late.
    pub(crate) fn sweep(&self, deadlines: &Deadlines) {
        self.lock()
            .watches
            .values()
            .filter(|watch| watch.is_late(deadlines))
            .for_each(|watch| watch.tell(Signal::Close));
    }

    /// Tells all connections.
    pub(crate) fn tell(&self, signal: Signal) {
        self.lock()
            .watches
            .values()
            .for_each(|watch| watch.tell(signal));
    }

    /// How many connections are open.
    pub(crate) fn len(&self) -> usize {
        self.lock().watches.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection's place among its worker's.
#[derive(Debug)]
pub(crate) struct Watched {
    watches: Arc<Watches>,
    id: u64,
    watch: Arc<Watch>,
}

impl Watched {
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watches.lock().watches.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rig {
        clock: Arc<Clock>,
        watches: Arc<Watches>,
        connection: Watched,
    }

    impl Rig {
        fn new() -> Self {
            let clock = Arc::new(Clock::new());
            let watches = Arc::new(Watches::default());
            let connection = watches.open(&clock);
            Self {
                clock,
                watches,
                connection,
            }
        }

        fn watch(&self) -> &Arc<Watch> {
            self.connection.watch()
        }

        async fn closed_after(&self, seconds: u64) -> bool {
            tokio::time::advance(Duration::from_millis(seconds * 1000 + 200)).await;
            self.clock.advance();
            self.watches.sweep(&Deadlines::default());
            self.watch().signal() == Signal::Close
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_before_the_first_request_ends_the_connection() {
        let rig = Rig::new();

        assert!(!rig.closed_after(9).await);
        assert!(rig.closed_after(1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn dripping_bytes_do_not_prolong_a_head() {
        let rig = Rig::new();
        drop(rig.watch().begin());
        rig.watch().bytes_read();

        assert!(!rig.closed_after(9).await);
        rig.watch().bytes_read();
        assert!(rig.closed_after(1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connection_is_kept_longer_than_a_slow_head() {
        let rig = Rig::new();
        drop(rig.watch().begin());

        assert!(!rig.closed_after(59).await);
        assert!(rig.closed_after(1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_the_backend_is_not_a_stall() {
        let rig = Rig::new();
        let _request = rig.watch().begin();

        assert!(!rig.closed_after(3600).await);
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_stops_reading_or_sending_is_given_up() {
        let reading = Rig::new();
        let _request = reading.watch().begin();
        reading.watch().write_waits(true);
        assert!(reading.closed_after(60).await);

        let sending = Rig::new();
        let _request = sending.watch().begin();
        sending.watch().body_waits(true);
        assert!(sending.closed_after(60).await);
    }

    #[tokio::test(start_paused = true)]
    async fn streams_that_none_of_takes_anything_are_given_up() {
        let rig = Rig::new();
        let _request = rig.watch().begin();
        let first = rig.watch().offer();
        assert!(!rig.closed_after(59).await);
        let _second = rig.watch().offer();
        drop(first);

        assert!(!rig.closed_after(59).await);
        assert!(rig.closed_after(1).await);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_ends_a_stall() {
        let rig = Rig::new();
        let _request = rig.watch().begin();
        rig.watch().write_waits(true);
        assert!(!rig.closed_after(59).await);
        rig.watch().write_waits(false);
        rig.watch().write_waits(true);

        assert!(!rig.closed_after(59).await);
    }

    #[tokio::test(start_paused = true)]
    async fn http2_frames_between_requests_are_no_head() {
        let rig = Rig::new();
        rig.watch().set_multiplexed();
        drop(rig.watch().begin());
        rig.watch().bytes_read();

        assert!(!rig.closed_after(299).await);
        assert!(rig.closed_after(1).await);
    }

    #[test]
    fn closed_connections_are_forgotten() {
        let rig = Rig::new();
        assert_eq!(rig.watches.len(), 1);

        drop(rig.connection);

        assert_eq!(rig.watches.len(), 0);
    }
}
