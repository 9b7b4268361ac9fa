//! Checks over the connections of a pool.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::body::ProbeBody;
use crate::pool::{Destination, Pool, Protocol, SendFuture, UpstreamBody, UpstreamError};

/// Sends checks over a pool of their own.
#[derive(Clone, Debug)]
pub struct PoolTransport {
    pool: Pool<ProbeBody>,
    protocol: Protocol,
    opening: Option<Arc<[u8]>>,
    #[cfg(feature = "tls")]
    tls: Option<crate::pool::UpstreamTls>,
}

impl PoolTransport {
    /// Sends over connections of `pool` in `protocol`; gRPC probes need [`Protocol::Http2`].
    #[must_use]
    pub const fn new(pool: Pool<ProbeBody>, protocol: Protocol) -> Self {
        Self {
            pool,
            protocol,
            opening: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Begins connections with these bytes, before TLS and HTTP: a PROXY protocol header
    /// of a connection that is from nobody else. Nothing by default.
    #[must_use]
    pub fn with_opening(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.opening = Some(bytes.into());
        self
    }

    /// Over TLS. In the clear by default.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: crate::pool::UpstreamTls) -> Self {
        self.tls = Some(tls);
        self
    }

    fn destination(&self, address: SocketAddr) -> Destination {
        let destination = Destination::from(address);
        let destination = match &self.opening {
            Some(opening) => destination.with_opening(Arc::clone(opening)),
            None => destination,
        };
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return destination.with_tls(tls.clone());
        }
        destination
    }
}

impl Service<(SocketAddr, Request<ProbeBody>)> for PoolTransport {
    type Response = Response<UpstreamBody<ProbeBody>>;
    type Error = UpstreamError;
    type Future = SendFuture<ProbeBody>;

    /// Always ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (address, request): (SocketAddr, Request<ProbeBody>)) -> Self::Future {
        self.pool
            .send(self.destination(address), self.protocol, request)
    }
}
