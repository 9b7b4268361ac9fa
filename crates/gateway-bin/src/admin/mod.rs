//! The listener for those who operate the gateway: is it alive, is it ready, and what
//! has it counted.
//!
//! It is apart from the listeners of Gateways, and from the threads that serve them:
//! it answers where nothing else happens but the following of the configuration, so
//! that its being there says something. Nobody is asked who they are; it belongs on an
//! address that only the machine or the cluster reaches.

mod answer;
mod control;
mod exposition;
mod families;
mod health;
mod metrics;
mod server;

use std::io::ErrorKind;
use std::sync::Arc;

use gateway_core::{BindError, Gateway};

pub(crate) use self::control::{ControlMetrics, Source};
pub(crate) use self::health::Health;
pub(crate) use self::server::Admin;

/// What the control plane says of itself.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    pub(crate) health: Health,
    pub(crate) control: ControlMetrics,
}

impl Vitals {
    /// What the source says is served now, but for the addresses that could not be
    /// listened on. With those that are not addresses of this machine nothing can be done
    /// here: they hold nothing up, if anything else is listened on.
    pub(crate) fn applied(&self, failed: &[BindError], listens: bool) {
        let is_elsewhere = |error: &BindError| error.source.kind() == ErrorKind::AddrNotAvailable;
        let mut waits = failed.iter();
        match waits.find(|error| !listens || !is_elsewhere(error)) {
            None => self.health.ready(),
            Some(error) => self.health.waiting_for(format!(
                "{} of the addresses cannot be listened on, {} for one",
                failed.len(),
                error.address
            )),
        }
    }
}

/// What is answered from.
#[derive(Clone, Debug)]
struct Subject {
    gateway: Gateway,
    vitals: Arc<Vitals>,
}
