//! What the tries of one request tell whoever chooses endpoints, and are told by them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::budget::SharedRetryBudget;

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
    tried: Arc<Mutex<Tried>>,
}

#[derive(Debug, Default)]
struct Tried {
    addresses: Vec<SocketAddr>,
    /// Of whoever was tried last.
    budget: Option<SharedRetryBudget>,
}

impl TriedEndpoints {
    /// Remembers that a try is sent to `address`.
    pub fn note(&self, address: SocketAddr) {
        let addresses = &mut self.lock().addresses;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }

    /// Whether a try was sent to `address`.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.lock().addresses.contains(&address)
    }

    /// Every address to which a try was sent, in this order.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.lock().addresses.clone()
    }

    /// Charges the next try, if there is one, to `budget` too: that of whoever gets this one.
    ///
    /// A request that is charged to a budget for the first time adds to it.
    pub fn charge(&self, budget: &SharedRetryBudget) {
        let mut tried = self.lock();
        if !tried.budget.as_ref().is_some_and(|known| known.is(budget)) {
            budget.earn();
            tried.budget = Some(budget.clone());
        }
    }

    /// The budget that the next try is charged to.
    pub(super) fn charged(&self) -> Option<SharedRetryBudget> {
        self.lock().budget.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tried> {
        // Nothing that holds it can panic half-way.
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
