//! Which endpoints are well.
//!
//! A [`Health`] has one state for each endpoint, however many balancers and routes share it. It
//! learns in two ways:
//!
//! * *actively*, from checks: so many failures in a row take an endpoint down, so many successes
//!   bring it up. The checks are made by whoever wants to, or by a `Prober` (feature `pool`);
//! * *passively*, from the requests themselves ([`Ejection`]): an endpoint that fails is ejected for
//!   a time that doubles with every ejection, and tried again after it.
//!
//! An endpoint that is not well gets no new requests. Those in flight finish.
//!
//! # Cost
//!
//! A pick reads two numbers that change when the health of an endpoint does, or one if health is
//! not watched. A success reads one; if a ratio of failures is watched, it also adds to a counter
//! of the endpoint, which threads share because the ratio is of them all. A failure takes a lock
//! for a moment, and so do the success after it, a check, and a pick when an ejection is over.
//!
//! # In short
//!
//! | | |
//! |---|---|
//! | by default | all are well until three checks in a row have failed, and again after two that pass; nobody is ejected |
//! | for each request | two numbers to read; where endpoints are ejected, what the outcome costs, as above; no allocation |
//! | misconfigured | a number of zero is one; without checks new endpoints stay down if that [is asked for](HealthSettings::with_unproven_down) |
//! | overloaded | at most half of the endpoints are [ejected](Ejection::with_most); each is checked once at a time, and a check that takes too long has failed |
//! | dropped half-way | a request tells nothing; checks end with whoever makes them, and endpoints stay as they are until told that they are [`unchecked`](Health::unchecked) |
//!
//! # Example
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use gateway_lb::balance::{Algorithm, NoReadyEndpoint, Outcome};
//! use gateway_lb::health::{Ejection, Health, HealthSettings};
//! use gateway_lb::{Balancer, EndpointSet};
//!
//! # fn main() -> Result<(), NoReadyEndpoint> {
//! let one = SocketAddr::from(([10, 0, 0, 1], 8080));
//! let two = SocketAddr::from(([10, 0, 0, 2], 8080));
//! let ejection = Ejection::new().with_consecutive(Some(2));
//! let health = Health::new(HealthSettings::new().with_ejection(ejection));
//! let balancer = Balancer::new(Algorithm::RoundRobin, EndpointSet::from_iter([one, two]))
//!     .with_health(health.clone());
//!
//! for _ in 0..4 {
//!     let mut pick = balancer.pick()?;
//!     let outcome = if pick.address() == one { Outcome::Failure } else { Outcome::Success };
//!     balancer.answered(&mut pick, outcome);
//! }
//!
//! assert_eq!(health.is_healthy(one), Some(false));
//! for _ in 0..4 {
//!     assert_eq!(balancer.pick()?.address(), two);
//! }
//! # Ok(())
//! # }
//! ```

mod board;
#[cfg(all(test, every_order))]
mod every_order;
mod probe;
#[cfg(feature = "pool")]
mod prober;
mod settings;
mod state;
// They need the clock that can be paused.
#[cfg(all(test, feature = "pool"))]
mod tests;

pub use self::board::Health;
pub(crate) use self::board::Watched;
pub use self::probe::{Check, GrpcProbe, HttpProbe, InvalidProbe, Probe};
#[cfg(feature = "pool")]
pub use self::prober::{PoolTransport, ProbeBody, Prober};
pub use self::settings::{Ejection, FailureRatio, HealthSettings};
pub use self::state::EndpointHealth;
