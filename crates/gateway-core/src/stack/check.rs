//! Checks of a backend's endpoints.

use gateway_lb::health::{Check, Health, PoolTransport, ProbeBody, Prober};
use gateway_lb::pool::{Pool, Protocol};
use tokio::sync::oneshot;

use super::Chore;
use super::security::Security;
use crate::l4::proxy_protocol::own;
use crate::model::ProxyVersion;

/// Checks that are made. They end when it is dropped.
#[derive(Debug)]
pub(super) struct Checking {
    _alive: oneshot::Sender<()>,
}

impl Checking {
    pub(super) fn begin(health: Health, check: Check, transport: PoolTransport) -> (Self, Chore) {
        let (alive, gone) = oneshot::channel::<()>();
        let prober = Prober::new(health, check, transport);
        let chore = Chore::new(async move {
            tokio::select! {
                () = prober.run() => {}
                _ = gone => {}
            }
        });

        (Self { _alive: alive }, chore)
    }
}

/// Speaks to endpoints as requests do, for the gateway itself; nothing, if nobody can.
pub(super) fn transport(
    pool: &Pool<ProbeBody>,
    protocol: Protocol,
    security: &Security,
    proxy_protocol: Option<ProxyVersion>,
) -> Option<PoolTransport> {
    let transport = PoolTransport::new(pool.clone(), protocol);
    let transport = match proxy_protocol {
        Some(version) => transport.with_opening(own(version)),
        None => transport,
    };
    match security {
        Security::Clear => Some(transport),
        Security::Tls(tls) => Some(transport.with_tls(tls.clone())),
        Security::Impossible(_) => None,
    }
}
