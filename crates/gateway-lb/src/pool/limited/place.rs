//! What a connection has to have before it is opened, where their number is limited.

use std::fmt;
use std::sync::{Arc, Weak};

/// One connection's place among those that there may be. Dropping it gives it to the next.
pub(in crate::pool) struct Place {
    // Not the other way round: what gives places also keeps connections, which have them.
    giver: Weak<dyn Giver>,
}

/// Whoever gives places.
pub(super) trait Giver: Send + Sync {
    /// A place is free again.
    fn regain(self: Arc<Self>);

    /// There may be room for a stream.
    fn seat_all(self: Arc<Self>);
}

impl Place {
    pub(super) fn new(giver: Weak<dyn Giver>) -> Self {
        Self { giver }
    }

    /// The place is not free although this has gone: it was never given.
    pub(super) fn forget(mut self) {
        self.giver = Weak::<Nobody>::new();
    }
}

/// The way of a shared connection to those who wait for room on it, if it has a [`Place`].
#[derive(Debug)]
pub(in crate::pool) struct Room {
    giver: Option<Weak<dyn Giver>>,
}

impl Room {
    /// That on the connection which has this place.
    pub(in crate::pool) fn of(place: Option<&Place>) -> Self {
        Self {
            giver: place.map(|place| Weak::clone(&place.giver)),
        }
    }

    /// There may be some. Not to be said by whoever holds the lock.
    pub(in crate::pool) fn tell(&self) {
        if let Some(giver) = self.giver.as_ref().and_then(Weak::upgrade) {
            giver.seat_all();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(giver) = self.giver.upgrade() {
            giver.regain();
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Place").finish_non_exhaustive()
    }
}

struct Nobody;

impl Giver for Nobody {
    fn regain(self: Arc<Self>) {}

    fn seat_all(self: Arc<Self>) {}
}
