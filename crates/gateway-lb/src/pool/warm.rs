//! Connections that are opened before there are requests for them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Protocol;
use super::destination::Destination;
use super::handle::Handle;
use super::limited::Place;

/// How the opening of connections to one destination goes, on one thread.
pub(super) struct Warming {
    state: Arc<Mutex<State>>,
    asked: Instant,
}

#[derive(Default)]
struct State {
    under_way: usize,
    /// In a row.
    failures: u32,
    /// After a failure.
    not_before: Option<Instant>,
}

/// One connection that is being opened, until it is dropped.
pub(super) struct Attempt {
    state: Arc<Mutex<State>>,
    /// Counts those of a thread.
    _one: Arc<()>,
}

impl Warming {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: Arc::default(),
            asked: now,
        }
    }

    /// How many more connections to open now, of which there are so many.
    pub(super) fn missing(&mut self, wanted: usize, there: usize, now: Instant) -> usize {
        self.asked = now;
        let state = lock(&self.state);
        if state.not_before.is_some_and(|moment| now < moment) {
            return 0;
        }
        let missing = wanted.saturating_sub(there + state.under_way);
        // One finds out whether somebody listens again.
        if state.failures > 0 {
            missing.min(usize::from(state.under_way == 0))
        } else {
            missing
        }
    }

    /// Whether nobody has asked for long.
    pub(super) fn is_forgotten(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.asked) > FORGOTTEN
    }

    pub(super) fn begin(&self, all: &Arc<()>) -> Attempt {
        lock(&self.state).under_way += 1;
        Attempt {
            state: Arc::clone(&self.state),
            _one: Arc::clone(all),
        }
    }
}

impl Attempt {
    fn ended(self, well: bool) {
        let mut state = lock(&self.state);
        if well {
            state.failures = 0;
            state.not_before = None;
        } else {
            state.failures = state.failures.saturating_add(1);
            let pause = FIRST_PAUSE * (1 << state.failures.min(MOST_DOUBLINGS));
            // So that not all threads, and gateways, come at once.
            let pause = pause.mul_f64(0.5 + 0.5 * fastrand::f64());
            state.not_before = Instant::now().checked_add(pause);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        lock(&self.state).under_way -= 1;
    }
}

impl<B: Send + 'static> Handle<B> {
    /// Opens what is missing of the connections to `destination` that are kept warm.
    pub(super) fn warm(&self, destination: &Destination, protocol: Protocol) {
        let wanted = match protocol {
            // More would be closed again as soon as they are open.
            Protocol::Http1 => destination
                .warm()
                .min(self.settings().max_idle_per_endpoint),
            Protocol::Http2 => destination.warm(),
        };
        if wanted == 0 {
            return;
        }
        let gate = self.gate(destination);
        let limited = gate.as_ref().map(|gate| match protocol {
            Protocol::Http1 => gate.idle_to(destination),
            Protocol::Http2 => gate.shared_to(destination),
        });
        let attempts = self
            .shard()
            .borrow_mut()
            .attempts((destination, protocol), wanted, limited);
        for attempt in attempts {
            let place = match &gate {
                Some(gate) => match gate.spare_place() {
                    None => return,
                    place => place,
                },
                None => None,
            };
            match protocol {
                Protocol::Http1 => self.warm_http1(destination, place, attempt),
                Protocol::Http2 => {
                    let connecting = self.open_http2(destination, place);
                    match &gate {
                        Some(gate) => gate.add_shared(destination, connecting.clone()),
                        None => {
                            let mut shard = self.shard().borrow_mut();
                            shard.add_http2(destination, connecting.clone());
                        }
                    }
                    tokio::spawn(async move {
                        let connected = connecting.await;
                        attempt.ended(matches!(connected, Ok(Ok(_))));
                    });
                }
            }
        }
    }

    fn warm_http1(&self, destination: &Destination, place: Option<Place>, attempt: Attempt) {
        let (dial, handle) = (self.open_http1(destination, place), self.clone());
        tokio::spawn(async move {
            let dialled = dial.await;
            handle.counters().dialled(&dialled);
            attempt.ended(dialled.is_ok());
            if let Ok(mut connection) = dialled
                && connection.park()
            {
                handle.check_in(connection);
            }
        });
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most that a thread opens at a time.
pub(super) const MOST_AT_ONCE: usize = 16;

const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Half a second becomes half a minute.
const MOST_DOUBLINGS: u32 = 6;

const FORGOTTEN: Duration = Duration::from_secs(120);
