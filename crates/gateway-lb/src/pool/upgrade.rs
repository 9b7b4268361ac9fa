//! Connections that stopped speaking HTTP.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::UpstreamStream;

/// The backend's side of an upgraded connection: an extension of a
/// `101 Switching Protocols` response.
///
/// Whoever forwards the response takes the transport out and tunnels its bytes.
/// If nobody does, the connection closes when the last clone is dropped.
#[derive(Clone)]
pub struct UpgradedUpstream {
    transport: Arc<Mutex<Option<UpgradedTransport>>>,
}

/// A transport, and what the backend has already sent in the new protocol.
#[derive(Debug)]
pub struct UpgradedTransport {
    /// The connection to the backend.
    pub stream: UpstreamStream,
    /// Bytes that came right behind the response head. They come before
    /// everything that `stream` has yet to read.
    pub read_ahead: Bytes,
}

impl UpgradedUpstream {
    pub(super) fn new(transport: UpgradedTransport) -> Self {
        Self {
            transport: Arc::new(Mutex::new(Some(transport))),
        }
    }

    /// Takes the transport. Every later call, on any clone, finds `None`.
    #[must_use]
    pub fn take(&self) -> Option<UpgradedTransport> {
        self.transport
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl fmt::Debug for UpgradedUpstream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UpgradedUpstream")
            .finish_non_exhaustive()
    }
}
