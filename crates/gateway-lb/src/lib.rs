//! Decides where a request is sent.

pub mod distribution;
pub mod endpoint;
mod fraction;
mod per_thread;

#[doc(inline)]
pub use self::{
    distribution::Distribution,
    endpoint::{Endpoint, EndpointSet},
};
