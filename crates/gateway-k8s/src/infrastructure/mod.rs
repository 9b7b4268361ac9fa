//! What a cluster has for each Gateway: a Service, through which clients find it.
//!
//! Where Gateways listen on [addresses of their own](Exposure::Direct), the Service
//! gives them a name in the cluster's DNS. Where they share the addresses of the
//! gateway's pods, [a load balancer](Exposure::Services) brings each listener's
//! clients to a port of its own.

mod name;
mod needed;
mod objects;
mod ports;
#[cfg(feature = "cluster")]
mod provisioner;
#[cfg(test)]
mod tests;

pub use self::name::service_name;
pub use self::needed::{Exposure, Needed, NeededPort};
pub use self::objects::{Desired, desired};
pub(crate) use self::ports::{Published, published};
#[cfg(feature = "cluster")]
pub use self::provisioner::Provisioner;
