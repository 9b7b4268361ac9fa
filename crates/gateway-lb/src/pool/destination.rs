//! Where a request is sent.

use std::net::SocketAddr;
use std::sync::Arc;

#[cfg(feature = "tls")]
use super::tls::UpstreamTls;

/// An endpoint, and how its connections begin and are secured. Connections are kept for
/// each destination of its own.
///
/// An address alone is a destination in the clear.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Destination {
    pub(super) address: SocketAddr,
    pub(super) opening: Option<Arc<[u8]>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<UpstreamTls>,
}

impl Destination {
    /// Begins connections with these bytes, before TLS and HTTP: a PROXY protocol
    /// header. Only requests for the same bytes share a connection. Nothing by default.
    #[must_use]
    pub fn with_opening(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.opening = Some(bytes.into());
        self
    }

    /// Over TLS.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: UpstreamTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether connections to it are encrypted.
    pub(super) fn is_secured(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            opening: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}
