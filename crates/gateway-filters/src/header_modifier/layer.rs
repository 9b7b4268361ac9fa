//! The layers.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::{RequestHeaderModifier, ResponseHeaderModifier};
use super::settings::HeaderModifier;

/// Applies [`RequestHeaderModifier`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct RequestHeaderModifierLayer {
    modifier: Arc<HeaderModifier>,
}

impl RequestHeaderModifierLayer {
    /// Edits every request with `modifier`.
    #[must_use]
    pub fn new(modifier: impl Into<Arc<HeaderModifier>>) -> Self {
        Self {
            modifier: modifier.into(),
        }
    }
}

impl<S> Layer<S> for RequestHeaderModifierLayer {
    type Service = RequestHeaderModifier<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestHeaderModifier::new(inner, Arc::clone(&self.modifier))
    }
}

/// Applies [`ResponseHeaderModifier`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct ResponseHeaderModifierLayer {
    modifier: Arc<HeaderModifier>,
}

impl ResponseHeaderModifierLayer {
    /// Edits every response with `modifier`.
    #[must_use]
    pub fn new(modifier: impl Into<Arc<HeaderModifier>>) -> Self {
        Self {
            modifier: modifier.into(),
        }
    }
}

impl<S> Layer<S> for ResponseHeaderModifierLayer {
    type Service = ResponseHeaderModifier<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseHeaderModifier::new(inner, Arc::clone(&self.modifier))
    }
}
