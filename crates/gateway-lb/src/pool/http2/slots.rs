//! The few connections of one thread to one endpoint.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::connection::{Connecting, Http2Connection};
use crate::pool::settings::UseLimits;

/// What a request is to use.
pub(in crate::pool) enum Choice<B> {
    /// An open connection.
    Use(Http2Connection<B>),
    /// A connection that this request or an earlier one had opened.
    Await(Connecting<B>),
}

/// Connections, of which there is one until it is full.
pub(in crate::pool) struct Slots<B> {
    slots: Vec<Slot<B>>,
}

enum Slot<B> {
    Opening(Connecting<B>),
    Open {
        connection: Http2Connection<B>,
        // When a sweep first found it unused.
        idle_since: Option<Instant>,
        since: Instant,
        requests: u32,
    },
}

impl<B> Default for Slots<B> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<B> Slots<B> {
    /// An open connection with room; else one being opened; else, below `max`, a new
    /// one; else the one with the fewest streams.
    pub(in crate::pool) fn choose(
        &mut self,
        max: usize,
        limits: UseLimits,
        connect: impl FnOnce() -> Connecting<B>,
    ) -> Choice<B> {
        self.slots
            .retain_mut(|slot| slot.settle() && !slot.is_used_up(limits));

        let is_full = self.slots.len() >= max;
        let mut emptiest: Option<&Http2Connection<B>> = None;
        let mut opening = None;
        for slot in &mut self.slots {
            match slot {
                Slot::Open {
                    connection,
                    idle_since,
                    requests,
                    ..
                } => {
                    if connection.has_room() {
                        *requests = requests.saturating_add(1);
                        *idle_since = None;
                        return Choice::Use(connection.clone());
                    }
                    if emptiest.is_none_or(|other| connection.active() < other.active()) {
                        emptiest = Some(connection);
                    }
                }
                Slot::Opening(connecting) => opening = Some(connecting.clone()),
            }
        }
        match (opening, emptiest) {
            (Some(connecting), _) => Choice::Await(connecting),
            (None, Some(connection)) if is_full => Choice::Use(connection.clone()),
            (None, _) => {
                let connecting = connect();
                self.slots.push(Slot::Opening(connecting.clone()));
                Choice::Await(connecting)
            }
        }
    }

    /// Lets go of connections that ended, or that two sweeps `timeout` apart found unused.
    pub(in crate::pool) fn sweep(&mut self, now: Instant, timeout: Duration) {
        self.slots
            .retain_mut(|slot| slot.settle() && !slot.expire(now, timeout));
    }

    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

impl<B> Slot<B> {
    /// Takes note of what happened meanwhile; false if the slot is of no more use.
    fn settle(&mut self) -> bool {
        if let Self::Opening(connecting) = self {
            match connecting.peek() {
                None => {
                    // Those who wait poll it, unless all of them have given up.
                    return match connecting.clone().now_or_never() {
                        None => true,
                        Some(connected) => self.open(connected.ok().and_then(Result::ok)),
                    };
                }
                Some(Ok(Ok(connection))) => {
                    let connection = connection.clone();
                    return self.open(Some(connection));
                }
                Some(_) => return false,
            }
        }
        match self {
            Self::Open { connection, .. } => !connection.is_closed(),
            Self::Opening(_) => true,
        }
    }

    fn open(&mut self, connection: Option<Http2Connection<B>>) -> bool {
        let Some(connection) = connection else {
            return false;
        };
        let is_open = !connection.is_closed();
        *self = Self::Open {
            connection,
            idle_since: None,
            since: Instant::now(),
            // Whoever had it opened.
            requests: 1,
        };
        is_open
    }

    /// Whether it gets no more requests. Letting go of it leaves those on it alone.
    fn is_used_up(&self, limits: UseLimits) -> bool {
        match self {
            Self::Opening(_) => false,
            Self::Open {
                since, requests, ..
            } => limits.are_reached(*since, *requests),
        }
    }

    fn expire(&mut self, now: Instant, timeout: Duration) -> bool {
        let Self::Open {
            connection,
            idle_since,
            ..
        } = self
        else {
            return false;
        };
        if connection.active() > 0 {
            *idle_since = None;
            return false;
        }
        let since = *idle_since.get_or_insert(now);
        now.saturating_duration_since(since) >= timeout
    }
}
