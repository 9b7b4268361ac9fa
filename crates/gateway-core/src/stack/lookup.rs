//! Endpoints that are looked up by name.

use std::sync::Arc;

use gateway_lb::dns::{DnsEndpoints, SystemResolver};

use super::live::Active;

/// A backend whose endpoints have to be looked up again and again.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) active: Arc<Active>,
}

impl Lookup {
    /// Looks up for as long as the backend is what it is.
    pub(super) async fn follow(self) {
        let Self { host, port, active } = self;
        let weak = Arc::downgrade(&active);
        drop(active);
        let gone = tokio::sync::Notify::new();

        let following =
            DnsEndpoints::new(host, port).follow(SystemResolver, |endpoints| {
                match weak.upgrade() {
                    Some(active) => active.balancer.update(endpoints),
                    None => gone.notify_one(),
                }
            });
        tokio::select! {
            _ = following => {}
            () = gone.notified() => {}
        }
    }
}
