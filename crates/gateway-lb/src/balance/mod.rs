//! Chooses among the endpoints of a backend.
//!
//! A [`Balancer`] is made once per backend and shared. [`Balancer::pick`] takes `&self`, waits for
//! nothing and locks nothing: each thread has its own rotation and its own counts, so that workers
//! write to no common memory. With few requests per thread the endpoints' totals may therefore
//! differ by one per thread.
//!
//! A [`Pick`] is held for as long as the request is in flight, response body included: dropping it
//! is what tells [`Algorithm::LeastRequest`] that the request is done.
//!
//! # Example
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use gateway_lb::balance::{Algorithm, Balancer, NoReadyEndpoint};
//! use gateway_lb::EndpointSet;
//!
//! # fn main() -> Result<(), NoReadyEndpoint> {
//! let one = SocketAddr::from(([10, 0, 0, 1], 8080));
//! let two = SocketAddr::from(([10, 0, 0, 2], 8080));
//! let balancer = Balancer::new(Algorithm::LeastRequest, EndpointSet::from_iter([one, two]));
//!
//! let busy = balancer.pick()?;
//! let other = balancer.pick()?;
//! assert_ne!(busy.address(), other.address());
//!
//! // A retry goes elsewhere, and an endpoint that has left is not picked again.
//! assert_eq!(balancer.pick_avoiding(&[one])?.address(), two);
//! balancer.update(EndpointSet::from_iter([one]));
//! assert_eq!(balancer.pick()?.address(), one);
//!
//! balancer.update(EndpointSet::new());
//! assert!(balancer.pick().is_err());
//! # Ok(())
//! # }
//! ```

use std::net::SocketAddr;

use arc_swap::ArcSwap;

use self::least_request::LeastRequest;
use self::round_robin::RoundRobin;
use crate::endpoint::EndpointSet;

mod least_request;
mod pick;
mod round_robin;
#[cfg(test)]
mod tests;

pub use self::pick::Pick;

/// Picks an endpoint for each request. See the [module docs](self) for an example.
#[derive(Debug)]
pub struct Balancer {
    endpoints: ArcSwap<EndpointSet>,
    state: State,
}

impl Balancer {
    /// Picks among `endpoints` by `algorithm`.
    #[must_use]
    pub fn new(algorithm: Algorithm, endpoints: EndpointSet) -> Self {
        let state = match algorithm {
            Algorithm::RoundRobin => State::RoundRobin(RoundRobin::new()),
            Algorithm::LeastRequest => State::LeastRequest(LeastRequest::new()),
        };
        Self {
            endpoints: ArcSwap::from_pointee(endpoints),
            state,
        }
    }

    /// An endpoint for the next request.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if the set is empty.
    pub fn pick(&self) -> Result<Pick, NoReadyEndpoint> {
        self.pick_avoiding(&[])
    }

    /// An endpoint other than those at `avoid`, if there is another; otherwise one of those.
    ///
    /// This is for the attempts after the first: `avoid` holds the addresses that failed already.
    /// Addresses that are not in the set do no harm.
    ///
    /// # Errors
    ///
    /// [`NoReadyEndpoint`] if the set is empty.
    pub fn pick_avoiding(&self, avoid: &[SocketAddr]) -> Result<Pick, NoReadyEndpoint> {
        let endpoints = self.endpoints.load();

        match &self.state {
            State::RoundRobin(rotation) => rotation.pick(&endpoints, avoid),
            State::LeastRequest(counts) => counts.pick(&endpoints, avoid),
        }
        .ok_or(NoReadyEndpoint)
    }

    /// Picks among `endpoints` from now on.
    ///
    /// What is known of endpoints that stay is kept: a rotation goes on where it was, and requests
    /// in flight are still counted. An endpoint that leaves is forgotten, even if it comes back.
    /// Picks already made stay valid.
    pub fn update(&self, endpoints: EndpointSet) {
        if **self.endpoints.load() != endpoints {
            self.endpoints.store(endpoints.into());
        }
    }

    /// The endpoints that are picked from.
    #[must_use]
    pub fn endpoints(&self) -> EndpointSet {
        EndpointSet::clone(&self.endpoints.load())
    }

    /// Whether one of the endpoints that are picked from is at `address`.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        self.endpoints.load().contains(address)
    }

    /// How endpoints are picked.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.state {
            State::RoundRobin(_) => Algorithm::RoundRobin,
            State::LeastRequest(_) => Algorithm::LeastRequest,
        }
    }
}

/// How a [`Balancer`] picks.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// One after the other, in the order of their addresses. This is the default.
    ///
    /// Each thread rotates by itself, and threads start at places spread over the set.
    #[default]
    RoundRobin,
    /// Of two endpoints chosen at random, the one with fewer requests in flight.
    ///
    /// A thread counts the requests it has sent itself. Slow endpoints get less, with neither the
    /// herd that follows when everyone sends to the least loaded one nor a search through all.
    LeastRequest,
}

/// The backend has no endpoint that is ready.
///
/// Of such a backend the Gateway API's `HTTPRouteRule.backendRefs` says that its requests should be
/// answered with 503.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[error("no endpoint is ready")]
pub struct NoReadyEndpoint;

#[derive(Debug)]
enum State {
    RoundRobin(RoundRobin),
    LeastRequest(LeastRequest),
}
