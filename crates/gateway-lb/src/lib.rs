//! Decides where a request is sent.

pub mod balance;
pub mod distribution;
pub mod endpoint;
mod fraction;
mod per_thread;

#[doc(inline)]
pub use self::{
    balance::Balancer,
    distribution::Distribution,
    endpoint::{Endpoint, EndpointSet},
};
