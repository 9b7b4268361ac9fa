//! The connections of one thread.

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::codec::BoxHttp1Connection;
use super::destination::Destination;
use super::http2::{Choice, Connecting, Slots};
use super::settings::PoolSettings;

type Map<V> = HashMap<Destination, V, RandomState>;

/// Idle HTTP/1 connections and all HTTP/2 connections of one thread.
///
/// The last connection given back is the first to be used again: it is the one whose
/// memory is warm, and those at the bottom can grow old and go.
pub(super) struct Shard<B: Send> {
    http1: Map<Vec<BoxHttp1Connection<B>>>,
    http2: Map<Slots<B>>,
    last_sweep: Instant,
}

impl<B: Send> Shard<B> {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            http1: Map::default(),
            http2: Map::default(),
            last_sweep: now,
        }
    }

    pub(super) fn check_out(
        &mut self,
        destination: &Destination,
        settings: &PoolSettings,
    ) -> Option<BoxHttp1Connection<B>> {
        let idle = self.http1.get_mut(destination)?;
        let connection = idle.pop()?;
        // Adding costs less than taking the difference.
        let end = connection.idle_since().checked_add(settings.idle_timeout);
        if end.is_some_and(|end| end < Instant::now()) {
            // Those below have been idle for even longer.
            idle.clear();
            return None;
        }
        Some(connection)
    }

    pub(super) fn check_in(&mut self, connection: BoxHttp1Connection<B>, settings: &PoolSettings) {
        let now = connection.idle_since();
        match self.http1.get_mut(connection.destination()) {
            Some(idle) if idle.len() < settings.max_idle_per_endpoint => idle.push(connection),
            None if settings.max_idle_per_endpoint > 0 => {
                let destination = connection.destination().clone();
                self.http1.insert(destination, vec![connection]);
            }
            Some(_) | None => {}
        }
        self.sweep_now_and_then(now, settings);
    }

    pub(super) fn choose_http2(
        &mut self,
        destination: &Destination,
        settings: &PoolSettings,
        connect: impl FnOnce() -> Connecting<B>,
    ) -> Choice<B> {
        self.sweep_now_and_then(Instant::now(), settings);
        self.http2.entry(destination.clone()).or_default().choose(
            settings.http2.max_connections,
            settings.use_limits,
            connect,
        )
    }

    pub(super) fn sweep(&mut self, now: Instant, settings: &PoolSettings) {
        self.last_sweep = now;
        let timeout = settings.idle_timeout;

        self.http1.retain(|_, idle| {
            idle.retain_mut(|connection| {
                let age = now.saturating_duration_since(connection.idle_since());
                age <= timeout && connection.is_alive()
            });
            !idle.is_empty()
        });
        self.http2.retain(|_, slots| {
            slots.sweep(now, timeout);
            !slots.is_empty()
        });
    }

    // So that nothing leaks where nobody calls `sweep`.
    fn sweep_now_and_then(&mut self, now: Instant, settings: &PoolSettings) {
        if self.last_sweep + SWEEP_INTERVAL < now {
            self.sweep(now, settings);
        }
    }

    pub(super) fn idle_connections(&self) -> usize {
        self.http1.values().map(Vec::len).sum()
    }
}

/// How long a thread that uses connections goes without a sweep.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
