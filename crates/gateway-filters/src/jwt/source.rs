//! Where keys are.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::keys::Jwks;
use super::refresh::JwksRefresh;

/// The keys of a provider, which may change.
///
/// Clones share them. Two are equal if they are the same, have the same keys that never change, or
/// say that they are fetched in the same way.
#[derive(Clone)]
pub struct JwksSource {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) keys: ArcSwapOption<Jwks>,
    /// Somebody asked for a key that is not there.
    pub(super) wanted: Notify,
    origin: Origin,
}

/// Whether and how keys come later.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Origin {
    Inline,
    Remote,
    Fetched(JwksRefresh),
}

impl JwksSource {
    /// Keys that never change.
    #[must_use]
    pub fn inline(keys: Jwks) -> Self {
        Self::new(Some(keys), Origin::Inline)
    }

    /// No keys yet: [`refresh`](Self::refresh) brings them.
    #[must_use]
    pub fn remote() -> Self {
        Self::new(None, Origin::Remote)
    }

    /// No keys yet, and a note of how they are to be fetched, for whoever does that.
    ///
    /// This is for settings that are compared: made again from the same words they are equal,
    /// although they have no keys in common.
    #[must_use]
    pub fn fetched(how: JwksRefresh) -> Self {
        Self::new(None, Origin::Fetched(how))
    }

    /// How the keys are to be fetched, where that is noted.
    #[must_use]
    pub fn how(&self) -> Option<&JwksRefresh> {
        match &self.shared.origin {
            Origin::Fetched(how) => Some(how),
            Origin::Inline | Origin::Remote => None,
        }
    }

    fn new(keys: Option<Jwks>, origin: Origin) -> Self {
        Self {
            shared: Arc::new(Shared {
                keys: ArcSwapOption::from_pointee(keys),
                wanted: Notify::new(),
                origin,
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
        if Arc::ptr_eq(&self.shared, &other.shared) {
            return true;
        }
        match (&self.shared.origin, &other.shared.origin) {
            (Origin::Inline, Origin::Inline) => self.keys() == other.keys(),
            (Origin::Fetched(one), Origin::Fetched(other)) => one == other,
            _ => false,
        }
    }
}

impl fmt::Debug for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksSource")
            .field("keys", &self.keys())
            .field("origin", &self.shared.origin)
            .finish()
    }
}
