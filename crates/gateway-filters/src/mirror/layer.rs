//! The layer.

use std::fmt;

use tower_layer::Layer;

use super::mirrors::Mirrors;
use super::service::Mirror;
use super::settings::MirrorSettings;

/// Applies [`Mirror`]. See the [module docs](super) for an example.
///
/// All services that one layer makes share its limits.
#[derive(Clone)]
pub struct MirrorLayer<M> {
    mirror: M,
    mirrors: Mirrors,
}

impl<M> MirrorLayer<M> {
    /// Sends copies of requests to `mirror`, as `settings` say.
    pub fn new(mirror: M, settings: MirrorSettings) -> Self {
        Self {
            mirror,
            mirrors: Mirrors::new(settings),
        }
    }

    /// What the layer counts.
    pub fn mirrors(&self) -> &Mirrors {
        &self.mirrors
    }
}

impl<S, M: Clone> Layer<S> for MirrorLayer<M> {
    type Service = Mirror<S, M>;

    fn layer(&self, inner: S) -> Self::Service {
        Mirror::new(inner, self.mirror.clone(), self.mirrors.clone())
    }
}

impl<M> fmt::Debug for MirrorLayer<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorLayer")
            .field("mirrors", &self.mirrors)
            .finish_non_exhaustive()
    }
}
