//! The layers.

use std::sync::Arc;

use tower_layer::Layer;

use super::service::{RequestHeaderValues, ResponseHeaderValues};
use super::settings::HeaderValues;

/// Applies [`RequestHeaderValues`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct RequestHeaderValuesLayer {
    values: Arc<HeaderValues>,
}

impl RequestHeaderValuesLayer {
    /// Writes `values` into every request.
    #[must_use]
    pub fn new(values: impl Into<Arc<HeaderValues>>) -> Self {
        Self {
            values: values.into(),
        }
    }
}

impl<S> Layer<S> for RequestHeaderValuesLayer {
    type Service = RequestHeaderValues<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestHeaderValues::new(inner, Arc::clone(&self.values))
    }
}

/// Applies [`ResponseHeaderValues`]. See the [module docs](super) for an example.
#[derive(Clone, Debug)]
pub struct ResponseHeaderValuesLayer {
    values: Arc<HeaderValues>,
}

impl ResponseHeaderValuesLayer {
    /// Writes `values`, which are about the request, into every response.
    #[must_use]
    pub fn new(values: impl Into<Arc<HeaderValues>>) -> Self {
        Self {
            values: values.into(),
        }
    }
}

impl<S> Layer<S> for ResponseHeaderValuesLayer {
    type Service = ResponseHeaderValues<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseHeaderValues::new(inner, Arc::clone(&self.values))
    }
}
