//! What has to be done besides serving requests.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that goes on for as long as somebody needs it: looking up names, fetching keys,
/// checking endpoints. It ends by itself.
pub(crate) struct Chore(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Chore {
    pub(crate) fn new(chore: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(chore))
    }

    /// Does it. Dropping the future leaves it undone.
    pub(crate) async fn run(self) {
        self.0.await;
    }
}

impl fmt::Debug for Chore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chore").finish_non_exhaustive()
    }
}

/// Chores that came up while stacks were assembled. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chores(Arc<Mutex<Vec<Chore>>>);

impl Chores {
    #[cfg(feature = "jwt")]
    pub(crate) fn add(&self, chore: Chore) {
        self.lock().push(chore);
    }

    /// Those that nobody has taken yet, for whoever does them.
    pub(crate) fn take(&self) -> Vec<Chore> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Chore>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
