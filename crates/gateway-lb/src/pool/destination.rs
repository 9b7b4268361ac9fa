//! Where a request is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::connections::Connections;
use super::settings::PoolSettings;
#[cfg(feature = "tls")]
use super::tls::UpstreamTls;
use crate::connections::ConnectionLimit;

/// An endpoint, and how its connections begin and are secured. Connections are kept for
/// each destination of its own.
///
/// An address alone is a destination in the clear.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Destination {
    pub(super) address: SocketAddr,
    pub(super) opening: Option<Arc<[u8]>>,
    pub(super) connections: Option<Connections>,
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

    /// Over these connections and no others, limited and kept as they say. By default over
    /// those that all have in common.
    #[must_use]
    pub fn with_connections(mut self, connections: Connections) -> Self {
        self.connections = Some(connections);
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

    /// How many connections there are, if that is limited.
    pub(super) fn limit(&self) -> Option<(&Connections, ConnectionLimit)> {
        let connections = self.connections.as_ref()?;
        Some((connections, connections.settings().limit()?))
    }

    /// How many connections to it are opened before there are requests.
    pub(super) fn warm(&self) -> usize {
        let connections = self.connections.as_ref();
        connections.map_or(0, |connections| connections.settings().warm())
    }

    /// How connections to it are opened, where `pool` says how others are.
    pub(super) fn settings(&self, pool: &PoolSettings) -> PoolSettings {
        match &self.connections {
            Some(connections) => connections.over(pool),
            None => pool.clone(),
        }
    }

    /// How long connections to it stay idle.
    pub(super) fn idle_timeout(&self, pool: &PoolSettings) -> Duration {
        let own = self
            .connections
            .as_ref()
            .and_then(Connections::idle_timeout);
        own.unwrap_or(pool.idle_timeout)
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
            connections: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}
