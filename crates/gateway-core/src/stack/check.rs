//! Checks of a backend's endpoints.

use gateway_lb::health::{Check, Health, PoolTransport, ProbeBody, Prober};
use gateway_lb::pool::{Pool, Protocol};
use tokio::sync::oneshot;

use super::Chore;
use super::security::Security;

/// Checks that are made. They end when it is dropped.
#[derive(Debug)]
pub(super) struct Checking {
    _alive: oneshot::Sender<()>,
}

impl Checking {
    /// Endpoints are spoken to as requests are; if nobody can, they are not checked.
    pub(super) fn begin(
        health: Health,
        check: Check,
        pool: Pool<ProbeBody>,
        protocol: Protocol,
        security: &Security,
    ) -> Option<(Self, Chore)> {
        let transport = PoolTransport::new(pool, protocol);
        let transport = match security {
            Security::Clear => transport,
            Security::Tls(tls) => transport.with_tls(tls.clone()),
            Security::Impossible(_) => return None,
        };
        let (alive, gone) = oneshot::channel::<()>();
        let prober = Prober::new(health, check, transport);
        let chore = Chore::new(async move {
            tokio::select! {
                () = prober.run() => {}
                _ = gone => {}
            }
        });

        Some((Self { _alive: alive }, chore))
    }
}
