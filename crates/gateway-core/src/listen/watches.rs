//! The open connections of a worker, for whoever looks after all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::{Clock, Deadlines};
use super::watch::{Signal, Watch};
use crate::l4::Permit;
use crate::telemetry::PortCells;

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
    /// Watches a connection until the guard is dropped, and counts it in `cells`.
    pub(crate) fn open(self: &Arc<Self>, clock: &Arc<Clock>, cells: &Arc<PortCells>) -> Watched {
        cells.begin();
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
            cells: Arc::clone(cells),
            permit: None,
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
    cells: Arc<PortCells>,
    permit: Option<Permit>,
}

impl Watched {
    /// Keeps its place among those that may be open, for as long as it is.
    pub(crate) fn hold(&mut self, permit: Option<Permit>) {
        self.permit = permit;
    }

    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Where it is counted.
    pub(crate) fn cells(&self) -> &Arc<PortCells> {
        &self.cells
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watches.lock().watches.remove(&self.id);
        self.cells.end();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
            let connection = watches.open(&clock, &PortCells::alone());
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

    #[tokio::test(start_paused = true)]
    async fn stream_in_which_nothing_moves_is_ended() {
        let rig = Rig::new();
        rig.watch().set_still_limit(Duration::from_secs(30));

        assert!(!rig.closed_after(29).await);
        rig.watch().moved();
        assert!(!rig.closed_after(29).await);
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
