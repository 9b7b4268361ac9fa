//! Endpoints that are looked up by name.

use std::sync::Arc;

use gateway_lb::Balancer;
use gateway_lb::dns::{DnsEndpoints, SystemResolver};
use tokio::sync::oneshot;

use super::Chore;
use crate::model::Endpoints;

/// A name that is looked up again and again. That ends when it is dropped.
#[derive(Debug)]
pub(super) struct Lookup {
    _alive: oneshot::Sender<()>,
}

impl Lookup {
    /// Tells `balancer` what is found; nothing, if the endpoints are known.
    pub(super) fn begin(endpoints: &Endpoints, balancer: &Arc<Balancer>) -> Option<(Self, Chore)> {
        let Endpoints::Dns { host, port } = endpoints else {
            return None;
        };
        let (alive, gone) = oneshot::channel::<()>();
        let endpoints = DnsEndpoints::new(Arc::clone(host), *port);
        let balancer = Arc::clone(balancer);
        let chore = Chore::new(async move {
            tokio::select! {
                // First, for the balancer may be that of another name by now.
                biased;
                _ = gone => {}
                _ = endpoints.follow(SystemResolver, |found| balancer.update(found)) => {}
            }
        });

        Some((Self { _alive: alive }, chore))
    }
}
