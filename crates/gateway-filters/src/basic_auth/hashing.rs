//! How much of the machine passwords may take.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many slow hashes are computed at the same time, and how many requests may wait for one.
///
/// Clones share it: whatever has one together takes no more than this together.
#[derive(Clone, Debug)]
pub struct Hashing {
    turns: Arc<Semaphore>,
    /// For those who wait and for those who have their turn.
    places: Arc<Semaphore>,
}

impl Hashing {
    /// Computes so many at the same time, on threads of their own, while so many more may wait.
    #[must_use]
    pub fn new(at_once: NonZeroUsize, waiting: usize) -> Self {
        let places = at_once.get().saturating_add(waiting);
        Self {
            turns: Arc::new(Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS))),
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// A place among those who wait; `None` if all are taken.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place {
            turns: Arc::clone(&self.turns),
            place,
        })
    }
}

impl Default for Hashing {
    /// A quarter of the processors, but one at least; 64 may wait.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        let at_once = NonZeroUsize::new(processors / 4).unwrap_or(NonZeroUsize::MIN);
        Self::new(at_once, 64)
    }
}

/// A place in the queue, given up when it is dropped.
pub(super) struct Place {
    turns: Arc<Semaphore>,
    place: OwnedSemaphorePermit,
}

/// A turn, over when it is dropped.
pub(super) struct Turn {
    _turn: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

impl Place {
    /// Waits in line.
    pub(super) async fn turn(self) -> Turn {
        Turn {
            // It is never closed.
            _turn: self.turns.acquire_owned().await.ok(),
            _place: self.place,
        }
    }
}
