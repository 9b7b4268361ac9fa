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
}
