//! What a cluster has for each Gateway: a Service, through which clients find it, and
//! pods, if it has some of its own.
//!
//! Where Gateways listen on [addresses of their own](Exposure::Direct), the Service
//! gives them a name in the cluster's DNS. Where they share the addresses of the
//! gateway's pods, [a load balancer](Exposure::Services) brings each listener's
//! clients to a port of its own. Where they have [pods of their
//! own](Exposure::Dedicated), it brings them there.
//!
//! What there should be is a pure function, [`desired`]; so is what is to be done for
//! it, `steps`. The [`Provisioner`] does it.

mod blueprint;
mod deployment;
mod metadata;
mod name;
mod needed;
mod object;
mod objects;
mod permissions;
mod pods;
mod ports;
#[cfg(feature = "cluster")]
mod provisioner;
mod slices;
#[cfg(feature = "cluster")]
mod steps;
#[cfg(test)]
mod tests;

pub use self::blueprint::{Blueprint, Dedicated};
pub(crate) use self::metadata::{foreign, is_owned};
pub use self::name::service_name;
pub use self::needed::{Exposure, Needed, NeededPort};
pub use self::object::{Desired, Key, Made, Objects, Seen};
pub use self::objects::desired;
pub use self::pods::{Cpu, Memory, Pods, Share};
pub(crate) use self::ports::{Published, published};
#[cfg(feature = "cluster")]
pub use self::provisioner::{Hindrances, Provisioner};
