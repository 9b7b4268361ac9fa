//! Policies as layers.

mod bodies;
mod client;
mod layers;
mod rescued;

pub(super) use self::bodies::{limited, watched};
pub(super) use self::layers::wrap;
pub(super) use self::rescued::Rescued;
