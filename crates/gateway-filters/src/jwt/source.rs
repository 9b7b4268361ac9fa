//! Where keys are.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::keys::Jwks;

/// The keys of a provider, which may change.
///
/// Clones share them. Two are equal if they are the same, or have the same keys that never change.
#[derive(Clone)]
pub struct JwksSource {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) keys: ArcSwapOption<Jwks>,
    /// Somebody asked for a key that is not there.
    pub(super) wanted: Notify,
    fixed: bool,
}

impl JwksSource {
    /// Keys that never change.
    #[must_use]
    pub fn inline(keys: Jwks) -> Self {
        Self::new(Some(keys), true)
    }

    /// No keys yet: [`refresh`](Self::refresh) brings them.
    #[must_use]
    pub fn remote() -> Self {
        Self::new(None, false)
    }

    fn new(keys: Option<Jwks>, fixed: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                keys: ArcSwapOption::from_pointee(keys),
                wanted: Notify::new(),
                fixed,
            }),
        }
    }

    /// The keys there are at present, if there have been any.
    #[must_use]
    pub fn keys(&self) -> Option<Arc<Jwks>> {
        self.shared.keys.load_full()
    }
}

impl Eq for JwksSource {}

impl PartialEq for JwksSource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
            || (self.shared.fixed && other.shared.fixed && self.keys() == other.keys())
    }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksSource")
            .field("keys", &self.keys())
            .field("fixed", &self.shared.fixed)
            .finish()
    }
}
