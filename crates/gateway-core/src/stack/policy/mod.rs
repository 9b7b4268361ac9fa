//! Policies as layers.

mod bodies;
mod client;
mod layers;
mod rescued;
#[cfg(all(
    test,
    any(feature = "compression", feature = "ext-authz", feature = "jwt")
))]
mod tests;

pub(super) use self::bodies::{direct, limited, watched};
pub(super) use self::layers::wrap;
pub(super) use self::rescued::Rescued;
