//! The connections of one thread.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::Protocol;
use super::codec::BoxHttp1Connection;
use super::destination::Destination;
use super::http2::{Choice, Connecting, Slots};
use super::limited::Gate;
use super::settings::PoolSettings;
use super::warm::{Attempt, MOST_AT_ONCE, Warming};

type Map<V> = HashMap<Destination, V, RandomState>;

/// The gates to limited connections: by whose they are, and where they lead.
pub(super) type Gates<B> = HashMap<(usize, SocketAddr), Arc<Gate<B>>, RandomState>;

/// Idle HTTP/1 connections and all HTTP/2 connections of one thread.
///
/// The last connection given back is the first to be used again: it is the one whose
/// memory is warm, and those at the bottom can grow old and go.
pub(super) struct Shard<B: Send> {
    http1: Map<Vec<BoxHttp1Connection<B>>>,
    http2: Map<Slots<B>>,
    /// Those of all threads that this one has come to know.
    pub(super) gates: Gates<B>,
    warming: Map<Warming>,
    /// Held by each connection that is being opened to be warm.
    attempts: Arc<()>,
    last_sweep: Instant,
}

impl<B: Send> Shard<B> {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            http1: Map::default(),
            http2: Map::default(),
            gates: Gates::default(),
            warming: Map::default(),
            attempts: Arc::default(),
            last_sweep: now,
        }
    }

    pub(super) fn check_out(
        &mut self,
        destination: &Destination,
        settings: &PoolSettings,
    ) -> Option<BoxHttp1Connection<B>> {
        let idle = self.http1.get_mut(destination)?;
        let timeout = destination.idle_timeout(settings);
        while let Some(connection) = idle.pop() {
            // Adding costs less than taking the difference.
            let end = connection.idle_since().checked_add(timeout);
            if end.is_some_and(|end| end < Instant::now()) {
                // Those below have been idle for even longer.
                idle.clear();
                return None;
            }
            if !connection.is_used_up() {
                return Some(connection);
            }
        }
        None
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
        self.http2
            .entry(destination.clone())
            .or_default()
            .choose(settings.http2.max_connections, connect)
    }

    pub(super) fn sweep(&mut self, now: Instant, settings: &PoolSettings) {
        self.last_sweep = now;

        self.http1.retain(|destination, idle| {
            let timeout = destination.idle_timeout(settings);
            idle.retain_mut(|connection| {
                let age = now.saturating_duration_since(connection.idle_since());
                age <= timeout && !connection.is_used_up() && connection.is_alive()
            });
            !idle.is_empty()
        });
        self.http2.retain(|destination, slots| {
            slots.sweep(now, destination.idle_timeout(settings));
            !slots.is_empty()
        });
        self.warming.retain(|_, warming| !warming.is_forgotten(now));
        self.gates.retain(|_, gate| {
            gate.sweep(now, gate.idle_timeout().unwrap_or(settings.idle_timeout));
            !gate.is_unused()
        });
    }

    // So that nothing leaks where nobody calls `sweep`.
    pub(super) fn sweep_now_and_then(&mut self, now: Instant, settings: &PoolSettings) {
        if self.last_sweep + SWEEP_INTERVAL < now {
            self.sweep(now, settings);
        }
    }

    pub(super) fn idle_connections(&self) -> usize {
        let limited: usize = self.gates.values().map(|gate| gate.idle()).sum();
        self.http1.values().map(Vec::len).sum::<usize>() + limited
    }

    /// Leave to open connections to `destination`, of which so many are `wanted`. If their number
    /// is `limited`, somebody else knows how many there are.
    pub(super) fn attempts(
        &mut self,
        (destination, protocol): (&Destination, Protocol),
        wanted: usize,
        limited: Option<usize>,
    ) -> Vec<Attempt> {
        let there = limited.unwrap_or_else(|| match protocol {
            Protocol::Http1 => self.http1.get(destination).map_or(0, Vec::len),
            Protocol::Http2 => self.http2.get(destination).map_or(0, Slots::len),
        });
        let now = Instant::now();
        let room = MOST_AT_ONCE.saturating_sub(Arc::strong_count(&self.attempts) - 1);
        let warming = self.warming.entry(destination.clone());
        let warming = warming.or_insert_with(|| Warming::new(now));
        let missing = warming.missing(wanted, there, now).min(room);
        (0..missing)
            .map(|_| warming.begin(&self.attempts))
            .collect()
    }

    /// Adds an HTTP/2 connection that no request waits for.
    pub(super) fn add_http2(&mut self, destination: &Destination, opening: Connecting<B>) {
        let slots = self.http2.entry(destination.clone()).or_default();
        slots.add(opening);
    }
}

/// How long a thread that uses connections goes without a sweep.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
