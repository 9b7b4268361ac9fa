//! The few connections of one thread to one endpoint.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::connection::{Connecting, Http2Connection, Seat};

/// What a request is to use.
pub(in crate::pool) enum Choice<B> {
    /// An open connection, and a place on it.
    Use(Http2Connection<B>, Seat),
    /// A connection that this request or an earlier one had opened.
    Await(Connecting<B>),
}

/// Connections, of which there is one until it is full.
pub(in crate::pool) struct Slots<B> {
    slots: Vec<Slot<B>>,
}

/// A connection that is open or will be.
pub(in crate::pool) enum Slot<B> {
    Opening(Connecting<B>),
    Open {
        connection: Http2Connection<B>,
        // When a sweep first found it unused.
        idle_since: Option<Instant>,
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
        connect: impl FnOnce() -> Connecting<B>,
    ) -> Choice<B> {
        self.slots.retain_mut(Slot::settle);

        let is_full = self.slots.len() >= max;
        let mut emptiest: Option<&Http2Connection<B>> = None;
        let mut opening = None;
        for slot in &mut self.slots {
            match slot {
                Slot::Open {
                    connection,
                    idle_since,
                } => {
                    if connection.has_room() {
                        *idle_since = None;
                        return Choice::Use(connection.clone(), connection.seat());
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
            (None, Some(connection)) if is_full => {
                Choice::Use(connection.clone(), connection.seat())
            }
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

    /// How many there are, and are being opened.
    pub(in crate::pool) fn len(&self) -> usize {
        self.slots.len()
    }

    /// One more, which nobody waits for.
    pub(in crate::pool) fn add(&mut self, connecting: Connecting<B>) {
        self.slots.push(Slot::Opening(connecting));
    }

    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

impl<B> Slot<B> {
    /// Takes note of what happened meanwhile; false if the slot is of no more use.
    ///
    /// Letting go of a connection leaves the exchanges on it alone.
    pub(in crate::pool) fn settle(&mut self) -> bool {
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
            Self::Open { connection, .. } => takes_more(connection),
            Self::Opening(_) => true,
        }
    }

    fn open(&mut self, connection: Option<Http2Connection<B>>) -> bool {
        let Some(connection) = connection else {
            return false;
        };
        let takes_more = takes_more(&connection);
        *self = Self::Open {
            connection,
            idle_since: None,
        };
        takes_more
    }

    /// Whether it is open and has no exchange.
    pub(in crate::pool) fn is_unused(&self) -> bool {
        match self {
            Self::Opening(_) => false,
            Self::Open { connection, .. } => connection.active() == 0,
        }
    }

    /// Whether two sweeps `timeout` apart found it unused.
    pub(in crate::pool) fn expire(&mut self, now: Instant, timeout: Duration) -> bool {
        let Self::Open {
            connection,
            idle_since,
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

fn takes_more<B>(connection: &Http2Connection<B>) -> bool {
    !connection.is_closed() && !connection.is_used_up()
}
