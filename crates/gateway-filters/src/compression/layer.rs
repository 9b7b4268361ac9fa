//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::CompressionService;
use super::settings::Compression;

/// Applies [`CompressionService`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct CompressionLayer {
    compression: Arc<Compression>,
}

impl CompressionLayer {
    /// Compresses responses as `compression` says.
    #[must_use]
    pub fn new(compression: impl Into<Arc<Compression>>) -> Self {
        Self {
            compression: compression.into(),
        }
    }
}

impl<S> Layer<S> for CompressionLayer {
    type Service = CompressionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CompressionService::new(inner, &self.compression)
    }
}
