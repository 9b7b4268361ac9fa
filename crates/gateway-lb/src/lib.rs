//! Decides where a request is sent: which backend by weight, which of its endpoints, over which
//! connection.
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use gateway_lb::balance::Algorithm;
//! use gateway_lb::{Balancer, Distribution, EndpointSet};
//!
//! # fn main() -> Result<(), gateway_lb::balance::NoReadyEndpoint> {
//! let stable = EndpointSet::from_iter([
//!     SocketAddr::from(([10, 0, 0, 1], 8080)),
//!     SocketAddr::from(([10, 0, 0, 2], 8080)),
//! ]);
//! let canary = EndpointSet::from_iter([SocketAddr::from(([10, 0, 1, 1], 8080))]);
//!
//! // Nine of ten requests to the one backend, each endpoint in turn; the tenth to the other.
//! let backends = Distribution::from_iter([
//!     (Balancer::new(Algorithm::RoundRobin, stable.clone()), 90),
//!     (Balancer::new(Algorithm::LeastRequest, canary.clone()), 10),
//! ]);
//!
//! let mut sent_to_canary = 0;
//! for _ in 0..100 {
//!     let backend = backends.choose().expect("a weight is above zero");
//!     let endpoint = backend.pick()?;
//!     sent_to_canary += usize::from(canary.contains(endpoint.address()));
//! }
//! assert_eq!(sent_to_canary, 10);
//! # Ok(())
//! # }
//! ```
//!
//! It is for anyone who sends requests to more than one address: a gateway, a proxy, a client.
//! Choosing needs neither sockets nor a runtime. Every thread has its own rotation, its own counts
//! and its own place among the weights, made when it first asks; so as long as nothing changes,
//! choosing writes nothing that threads share, unless [loads are bounded](balance::LoadBound). All
//! types can nevertheless be shared and sent.
//!
//! What happens to a request before it is sent is left to `gateway-filters`, and which backends
//! there are to `gateway-core`.
//!
//! # Modules
//!
//! | module | what it does |
//! |---|---|
//! | [`endpoint`] | the addresses of one backend, as a value |
//! | [`distribution`] | chooses among backends by weight |
//! | [`balance`] | chooses among the endpoints of a backend |
//! | [`health`] | knows which endpoints are well, by checks and by their answers |
//! | [`connections`] | how connections are limited and kept, as values |
//! | [`persistence`] | brings the requests of one session to one endpoint |
#![cfg_attr(
    feature = "pool",
    doc = "| [`dns`] | finds endpoints by a host name, again and again |"
)]
#![cfg_attr(
    feature = "pool",
    doc = "| [`pool`] | keeps upstream connections, HTTP/1.1 and HTTP/2, and sends requests over them |"
)]
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `pool` | off | whatever needs sockets: upstream connections, health checks that are made, and endpoints found by DNS. Without it there is no tokio and no hyper |
//! | `persistence` | off | what obeys the settings of sessions, whose tokens AWS-LC encrypts |
//! | `tls` | off | upstream connections over TLS |

pub mod balance;
mod clock;
pub mod connections;
mod cookies;
pub mod distribution;
#[cfg(feature = "pool")]
pub mod dns;
pub mod endpoint;
mod fraction;
pub mod health;
mod per_thread;
mod percent;
pub mod persistence;
#[cfg(feature = "pool")]
pub mod pool;
mod stable_hash;
mod sync;

#[doc(inline)]
pub use self::{
    balance::Balancer,
    distribution::Distribution,
    endpoint::{Endpoint, EndpointSet, Zone},
    health::Health,
    percent::Percent,
};

/// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
