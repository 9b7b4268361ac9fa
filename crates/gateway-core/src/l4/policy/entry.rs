//! Who may begin a connection or session, and how often.

use std::net::IpAddr;
use std::sync::Arc;

use gateway_filters::AccessControl;
use gateway_filters::access::AccessDenied;
use gateway_filters::client_address::ClientAddress;
use gateway_filters::rate_limit::{Decision, RateLimiter};
use http::Request;
use tokio::time::Instant;

use crate::model::{Policy, UnfitPolicy, countable};

/// What is asked of whoever begins a connection or session. By default nothing is.
///
/// All of it has to hold: addresses first, then limits, each in the order in which they
/// were given. Whoever an address refuses is not counted.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    access: Vec<Arc<AccessControl>>,
    limits: Vec<RateLimiter>,
}

/// A client that may not begin a connection or session.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoEntry {
    /// Because of its address.
    #[error("the address may not enter")]
    Access(#[source] AccessDenied),
    /// Too many have begun one.
    #[error("too many have come")]
    RateLimit,
}

impl Entry {
    /// Lets everybody in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses whom `access` refuses.
    ///
    /// # Errors
    ///
    /// If it has rules, which ask for requests.
    pub fn with_access(mut self, access: Arc<AccessControl>) -> Result<Self, UnfitPolicy> {
        if access.has_rules() {
            return Err(UnfitPolicy::AccessRules);
        }
        self.access.push(access);
        Ok(self)
    }

    /// Lets no more in than `limiter` does.
    ///
    /// # Errors
    ///
    /// If it counts by something else than the client's address, or has a queue.
    pub fn with_limit(mut self, limiter: RateLimiter) -> Result<Self, UnfitPolicy> {
        countable(limiter.settings())?;
        self.limits.push(limiter);
        Ok(self)
    }

    /// Whether nothing is asked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.access.is_empty() && self.limits.is_empty()
    }

    /// Whether clients with this address may enter at all. Counts nobody.
    ///
    /// # Errors
    ///
    /// If they may not.
    pub fn check_address(&self, client: IpAddr) -> Result<(), NoEntry> {
        let mut access = self.access.iter();
        access
            .try_for_each(|access| access.check_address(Some(client)))
            .map_err(NoEntry::Access)
    }

    /// Counts one of `client` where it is limited how many may come, if it may.
    ///
    /// # Errors
    ///
    /// If there were too many. Limits before the one that refuses have counted it.
    pub fn count(&self, client: IpAddr) -> Result<(), NoEntry> {
        let lets_in = self.limits.iter().all(|limiter| takes(limiter, client));
        lets_in.then_some(()).ok_or(NoEntry::RateLimit)
    }

    /// Lets `client` in, and counts it; or not.
    ///
    /// # Errors
    ///
    /// As [`Entry::check_address`] and [`Entry::count`].
    pub fn admit(&self, client: IpAddr) -> Result<(), NoEntry> {
        self.check_address(client)?;
        self.count(client)
    }

    /// What `policies` ask for as far as addresses decide alone, whatever else they are.
    pub(crate) fn by_addresses<'a>(policies: impl Iterator<Item = &'a Policy>) -> Self {
        let access = policies.filter_map(|policy| match policy {
            Policy::Access(access) if !access.has_rules() => Some(Arc::clone(access)),
            _ => None,
        });
        Self {
            access: access.collect(),
            limits: Vec::new(),
        }
    }
}

/// Whether `limiter` lets one more of `client` in.
pub(in crate::l4) fn takes(limiter: &RateLimiter, client: IpAddr) -> bool {
    let mut asking = Request::new(());
    if limiter.settings().asks_address() {
        asking.extensions_mut().insert(ClientAddress(client));
    }
    match limiter.decide(&asking, Instant::now().into_std()) {
        Decision::Pass(_) | Decision::Uncounted => true,
        Decision::Wait(_) | Decision::Refuse(_) => false,
    }
}
