//! The places, and the queue for them.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::settings::ConcurrencyLimit;

/// What all clones of a limit share.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) settings: ConcurrencyLimit,
    serving: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Where a request stands.
pub(super) enum Place {
    /// It is served.
    Served(OwnedSemaphorePermit),
    /// It waits.
    Queued(Queued),
    /// There is no room for it.
    Refused,
}

/// A place in the queue. Dropping it leaves the queue.
pub(super) struct Queued {
    pub(super) turn: Turn,
    _place: OwnedSemaphorePermit,
}

/// Boxed, for the future has no name. Only requests that wait have one.
pub(super) type Turn = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send + Sync>>;

impl Places {
    pub(super) fn new(settings: ConcurrencyLimit) -> Self {
        let semaphore = |places: u32| {
            let places = usize::try_from(places).unwrap_or(usize::MAX);
            Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))
        };
        Self {
            serving: semaphore(settings.max().get()),
            waiting: semaphore(settings.queue()),
            settings,
        }
    }

    pub(super) fn enter(&self) -> Place {
        // Whoever leaves hands the place to the first in the queue: nobody overtakes.
        if let Ok(permit) = Arc::clone(&self.serving).try_acquire_owned() {
            return Place::Served(permit);
        }
        match Arc::clone(&self.waiting).try_acquire_owned() {
            Ok(place) => {
                let serving = Arc::clone(&self.serving);
                Place::Queued(Queued {
                    turn: Box::pin(async move { serving.acquire_owned().await.ok() }),
                    _place: place,
                })
            }
            Err(_) => Place::Refused,
        }
    }

    pub(super) fn serving(&self) -> usize {
        places(self.settings.max().get(), &self.serving)
    }

    pub(super) fn waiting(&self) -> usize {
        places(self.settings.queue(), &self.waiting)
    }
}

/// How many of `all` places are taken.
fn places(all: u32, free: &Semaphore) -> usize {
    usize::try_from(all)
        .unwrap_or(usize::MAX)
        .saturating_sub(free.available_permits())
}
