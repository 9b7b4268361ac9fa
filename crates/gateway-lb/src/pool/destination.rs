//! Where a request is sent.

use std::net::SocketAddr;

#[cfg(feature = "tls")]
use super::tls::UpstreamTls;

/// An endpoint, and how its connections are secured. Connections are kept for each
/// destination of its own.
///
/// An address alone is a destination in the clear.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Destination {
    pub(super) address: SocketAddr,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<UpstreamTls>,
}

impl Destination {
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
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}
