//! How fast the bytes of a connection pass.

use std::task::{Context, Poll};

use gateway_filters::Bandwidth;
use tower::{Layer, Service};

use crate::l4::Connection;

/// Applies [`BandwidthService`]. See the [module docs](super) for an example. By default
/// nothing is limited.
#[derive(Clone, Copy, Debug, Default)]
pub struct BandwidthLayer {
    received: Option<Bandwidth>,
    sent: Option<Bandwidth>,
}

impl BandwidthLayer {
    /// Limits nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits what each client sends. No limit by default.
    #[must_use]
    pub fn with_received(mut self, bandwidth: Bandwidth) -> Self {
        self.received = Some(bandwidth);
        self
    }

    /// Limits what each client is sent. No limit by default.
    #[must_use]
    pub fn with_sent(mut self, bandwidth: Bandwidth) -> Self {
        self.sent = Some(bandwidth);
        self
    }

    /// As few layers as hold all of these.
    pub(in crate::l4) fn of_all(received: &[Bandwidth], sent: &[Bandwidth]) -> Vec<Self> {
        let layer = |index| Self {
            received: received.get(index).copied(),
            sent: sent.get(index).copied(),
        };
        (0..received.len().max(sent.len())).map(layer).collect()
    }
}

impl<S> Layer<S> for BandwidthLayer {
    type Service = BandwidthService<S>;

    fn layer(&self, inner: S) -> BandwidthService<S> {
        BandwidthService {
            inner,
            limits: *self,
        }
    }
}

/// Calls `S` with connections of which only so many bytes pass in a second.
#[derive(Clone, Debug)]
pub struct BandwidthService<S> {
    inner: S,
    limits: BandwidthLayer,
}

impl<S: Service<Connection>> Service<Connection> for BandwidthService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, connection: Connection) -> S::Future {
        let BandwidthLayer { received, sent } = self.limits;
        self.inner.call(connection.with_bandwidth(received, sent))
    }
}
