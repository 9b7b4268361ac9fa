//! Who gets in: limits on connections, and whom they are from.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use tokio::net::TcpStream;

use super::limits::{Counts, Permit};
use super::proxy_protocol;
use crate::model::{ConnectionLimits, Listener, ProxyProtocol, Strangers};

/// What an address asks of connections before anything else. It costs nothing where
/// nothing is asked.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    rules: ArcSwapOption<Rules>,
    counts: Arc<Counts>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Rules {
    proxy: Option<Arc<ProxyProtocol>>,
    limits: ConnectionLimits,
}

/// A connection that got in.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) client: SocketAddr,
    /// Where the client wanted to, if a header says so.
    pub(crate) destination: Option<SocketAddr>,
    /// To be kept for as long as the connection is open.
    pub(crate) permit: Option<Permit>,
}

impl Gate {
    /// Asks from now on what `listeners` ask. It cannot be known which of them a
    /// connection is for: the first with a PROXY protocol decides about that.
    pub(crate) fn update(&self, listeners: &[Arc<Listener>]) {
        let smallest = |limit: fn(&ConnectionLimits) -> Option<usize>| {
            let limits = listeners.iter().map(|listener| listener.limits());
            limits.filter_map(limit).min()
        };
        let proxy = listeners
            .iter()
            .find_map(|listener| listener.proxy_protocol());
        let limits = ConnectionLimits {
            total: smallest(|limits| limits.total),
            per_source: smallest(|limits| limits.per_source),
        };

        let asks = proxy.is_some() || limits != ConnectionLimits::default();
        self.rules.store(asks.then(|| {
            Arc::new(Rules {
                proxy: proxy.cloned(),
                limits,
            })
        }));
    }

    /// How many connections were refused here, or by policies.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// A connection was refused after it was let in here.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether connections are asked anything.
    pub(crate) fn asks(&self) -> bool {
        self.rules.load().is_some()
    }

    /// Lets the connection `tcp` from `peer` in, or not. It has no deadline of its
    /// own.
    pub(crate) async fn admit(&self, tcp: &TcpStream, peer: SocketAddr) -> Option<Admitted> {
        let admitted = match self.rules.load_full() {
            Some(rules) => self.admit_by(&rules, tcp, peer).await,
            None => Some(Admitted::plain(peer)),
        };
        if admitted.is_none() {
            self.refuse();
        }
        admitted
    }

    async fn admit_by(&self, rules: &Rules, tcp: &TcpStream, peer: SocketAddr) -> Option<Admitted> {
        // First: whoever has no place must not keep one by saying nothing.
        let mut permit = self.counts.enter(rules.limits.total)?;
        let mut admitted = identify(rules.proxy.as_deref(), tcp, peer).await?;

        permit.of(admitted.client.ip(), rules.limits.per_source)?;
        admitted.permit = Some(permit);
        Some(admitted)
    }
}

impl Admitted {
    fn plain(client: SocketAddr) -> Self {
        Self {
            client,
            destination: None,
            permit: None,
        }
    }
}

async fn identify(
    proxy: Option<&ProxyProtocol>,
    tcp: &TcpStream,
    peer: SocketAddr,
) -> Option<Admitted> {
    let Some(proxy) = proxy else {
        return Some(Admitted::plain(peer));
    };
    if !proxy.trusts(peer.ip()) {
        return match proxy.others() {
            Strangers::Plain => Some(Admitted::plain(peer)),
            Strangers::Refuse => None,
        };
    }

    match proxy_protocol::read(tcp).await {
        Ok(Some(addresses)) => Some(Admitted {
            client: addresses.source,
            destination: Some(addresses.destination),
            permit: None,
        }),
        Ok(None) => Some(Admitted::plain(peer)),
        Err(error) => {
            tracing::debug!(%peer, %error, "no PROXY protocol header");
            None
        }
    }
}
