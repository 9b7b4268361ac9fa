//! The layers.

use tower_layer::Layer;

use super::service::{RequestBandwidth, ResponseBandwidth};
use super::settings::Bandwidth;

/// Applies [`RequestBandwidth`]. The default is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestBandwidthLayer {
    bandwidth: Option<Bandwidth>,
}

impl RequestBandwidthLayer {
    /// Lets so many bytes of each request's body pass. Takes a [`Bandwidth`] or an `Option` of
    /// one.
    #[must_use]
    pub fn new(bandwidth: impl Into<Option<Bandwidth>>) -> Self {
        Self {
            bandwidth: bandwidth.into(),
        }
    }
}

impl<S> Layer<S> for RequestBandwidthLayer {
    type Service = RequestBandwidth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestBandwidth::new(inner, self.bandwidth)
    }
}

/// Applies [`ResponseBandwidth`]. See the [module docs](super) for an example. The default is no
/// limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResponseBandwidthLayer {
    bandwidth: Option<Bandwidth>,
}

impl ResponseBandwidthLayer {
    /// Lets so many bytes of each response's body pass. Takes a [`Bandwidth`] or an `Option` of
    /// one.
    #[must_use]
    pub fn new(bandwidth: impl Into<Option<Bandwidth>>) -> Self {
        Self {
            bandwidth: bandwidth.into(),
        }
    }
}

impl<S> Layer<S> for ResponseBandwidthLayer {
    type Service = ResponseBandwidth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ResponseBandwidth::new(inner, self.bandwidth)
    }
}
