//! Objects to configuration and verdicts: `resolve(&World) -> Resolved`.
//!
//! A pure function: no I/O, no clock, and the order of objects does not matter.
//! [`Resolver`] gives the same results and does again only what changed.
//!
//! | module | decides |
//! |---|---|
//! | `gateway_class` | which Gateways are ours |
//! | `gateway`, `listener_set`, `listener`, `spoken`, `conflicts`, `address`, `plans` | what Gateways ask for, and what they get |
//! | `termination`, `frontend`, `certificate`, `authorities`, `confined` | TLS with clients |
//! | `infrastructure`, `pods` | what Gateways need of the cluster, and got |
//! | `route`, `grpc`, `stream`, `rule`, `matches`, `reading`, `filters`, `urls` | what routes mean, whoever their parents are |
//! | `parent`, `attach`, `placing` | which listeners take which routes |
//! | `backends`, `endpoints`, `x_backend`, `used` | what rules refer to |
//! | `served`, `status`, `listener_sets` | what becomes of it: for the data plane, and for whom it is told |
//! | `backend_tls`, `x_backend_tls`, `policies`, `client` | TLS with backends |
//! | `annotations`, `traffic` | settings that no field of the API has |
//! | `grants` | who may refer to whom |
//! | `backend_traffic`, `traffic_policies`, `sessions` | retries and sessions of backends |
//! | `view`, `memo` | what can be used again |

mod address;
mod address_range;
mod annotations;
mod attach;
mod authorities;
mod backend_tls;
mod backend_traffic;
mod backends;
mod certificate;
mod client;
mod confined;
mod conflicts;
mod duration;
mod endpoints;
mod field;
mod filters;
mod frontend;
mod gateway;
mod gateway_class;
mod grants;
mod grpc;
mod infrastructure;
mod listener;
mod listener_set;
mod listener_sets;
mod matches;
mod memo;
mod parent;
mod placing;
mod plans;
mod pods;
mod policies;
mod reading;
mod resolver;
mod route;
mod rule;
mod selector;
mod served;
mod sessions;
mod settings;
mod spoken;
mod status;
mod stream;
mod termination;
#[cfg(test)]
mod tests;
mod traffic;
mod traffic_policies;
mod urls;
mod used;
mod users;
mod validity;
mod view;
mod x_backend;
mod x_backend_tls;

use std::sync::Arc;

use gateway_core::model::Configuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::infrastructure::Needed;
use crate::verdict::Verdicts;
use crate::world::World;

pub use self::address_range::{AddressRange, InvalidRange};
pub use self::gateway_class::{FEATURES, FEATURES_OF_CLUSTERS};
pub use self::resolver::Resolver;
pub use self::settings::{CONTROLLER_NAME, Serving, Settings};

/// What a world means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// What the data plane shall do.
    pub configuration: Configuration,
    /// What each object shall be told.
    pub verdicts: Verdicts,
    /// What Gateways need of the cluster, by name.
    pub needed: Arc<[Needed]>,
}

/// Works out what a world means. Never fails: what is wrong with an object is
/// told to that object, and leaves the others alone.
pub fn resolve(world: &World, settings: &Settings) -> Resolved {
    Resolver::new(settings.clone()).resolve(world)
}

/// When the object was made, in seconds since 1970; 0 for what came from a file.
fn created(meta: &ObjectMeta) -> u64 {
    let created = meta.creation_timestamp.as_ref();

    created.map_or(0, |time| {
        u64::try_from(time.0.as_second()).unwrap_or_default()
    })
}

/// The API group of the standard kinds.
const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
