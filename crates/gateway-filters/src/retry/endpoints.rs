//! What the tries of one request tell whoever chooses endpoints.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The endpoints to which one request has been sent so far.
///
/// An extension of every request that a [`Retry`](super::Retry) with attempts sends; all tries of
/// a request share one. Whoever chooses an endpoint [notes](Self::note) it here, and avoids
/// [those](Self::addresses) that are here already: they have failed, or there would be no other
/// try.
///
/// ```
/// use gateway_filters::retry::TriedEndpoints;
///
/// let tried = TriedEndpoints::default();
/// let address = "10.0.0.1:80".parse()?;
/// assert!(!tried.contains(address));
///
/// tried.note(address);
///
/// assert_eq!(tried.addresses(), [address]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TriedEndpoints {
    // Tries follow one another, so nobody contends for it.
    addresses: Arc<Mutex<Vec<SocketAddr>>>,
}

impl TriedEndpoints {
    /// Remembers that a try is sent to `address`.
    pub fn note(&self, address: SocketAddr) {
        let mut addresses = self.lock();
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }

    /// Whether a try was sent to `address`.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.lock().contains(&address)
    }

    /// Every address to which a try was sent, in this order.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SocketAddr>> {
        // Nothing that holds it can panic half-way.
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
