//! An address to which datagrams are sent.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use gateway_filters::RateLimit;
use gateway_filters::rate_limit::RateLimiter;

use super::Session;
use crate::l4::Policed;
use crate::l4::policy::takes;
use crate::l4::table::oldest;
use crate::model::{Listener, PolicySet, StreamRoute, StreamRouteKind, UdpSettings};
use crate::stack::Assembler;
use crate::telemetry::PortCells;

/// A bound address, what becomes of its sessions, and how many there are, over all
/// workers.
#[derive(Debug)]
pub(crate) struct UdpPort {
    address: SocketAddr,
    table: ArcSwap<SessionTable>,
    sessions: AtomicUsize,
    dropped: AtomicU64,
    /// By worker.
    cells: Box<[Arc<PortCells>]>,
}

impl UdpPort {
    pub(crate) fn new(
        address: SocketAddr,
        table: SessionTable,
        cells: Box<[Arc<PortCells>]>,
    ) -> Self {
        Self {
            address,
            table: ArcSwap::from_pointee(table),
            sessions: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            cells,
        }
    }

    /// What is counted here, by worker.
    pub(crate) fn cells(&self) -> &[Arc<PortCells>] {
        &self.cells
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn table(&self) -> Guard<Arc<SessionTable>> {
        self.table.load()
    }

    /// Sessions that begin from now on see `table`.
    pub(crate) fn serve(&self, table: SessionTable) {
        self.table.store(Arc::new(table));
    }

    /// How often datagrams were dropped for which there was no session.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// A place for one more session of `client`, unless there are too many or they come
    /// too fast.
    pub(super) fn enter(self: &Arc<Self>, table: &SessionTable, client: IpAddr) -> Option<Place> {
        self.sessions
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
                (open < table.settings.max_sessions).then_some(open + 1)
            })
            .ok()?;
        // From here on the place is given back whatever happens.
        let place = Place(Arc::clone(self));

        table.may_begin(client).then_some(place)
    }
}

/// A session's place among those that may be.
#[derive(Debug)]
pub(super) struct Place(Arc<UdpPort>);

impl Place {
    pub(super) fn port(&self) -> &UdpPort {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What becomes of the sessions of one address.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionTable {
    route: Option<Arc<StreamRoute>>,
    /// Of the listener.
    policies: Vec<Arc<PolicySet>>,
    served: Option<Policed<Session>>,
    settings: UdpSettings,
    /// As the settings say.
    rate: Option<RateLimiter>,
}

impl SessionTable {
    /// The table for `listeners`, of which the first is served: nothing tells several
    /// of one address apart. What did not change since `before` is kept.
    pub(crate) fn updated(
        before: &Self,
        listeners: &[Arc<Listener>],
        assembler: &Assembler,
    ) -> Self {
        let Some(listener) = listeners.first() else {
            return Self::default();
        };
        let route = oldest(listener, StreamRouteKind::Udp);
        let is_same = before.route.as_ref() == route && before.policies == listener.policies();
        let served = if is_same {
            before.served.clone()
        } else {
            route.and_then(|route| assembler.sessions(listener, route))
        };
        let settings = *listener.udp_settings();
        Self {
            route: route.cloned(),
            policies: listener.policies().to_vec(),
            served,
            settings,
            rate: before.rate(settings.new_sessions_per_second),
        }
    }

    /// Everything that happens to a session; without it, there is none.
    pub(super) fn served(&self) -> Option<&Policed<Session>> {
        self.served.as_ref()
    }

    pub(super) fn settings(&self) -> &UdpSettings {
        &self.settings
    }

    /// Whether so many have begun that `client` may not begin another. First what may
    /// tell clients apart: one that sends too many takes nothing from the others.
    fn may_begin(&self, client: IpAddr) -> bool {
        let served = self.served.as_ref();
        let rate = self.rate.as_ref();
        self.settings.new_sessions_per_second != Some(0)
            && served.is_some_and(|served| served.count(client).is_ok())
            && rate.is_none_or(|rate| takes(rate, client))
    }

    /// A limit of so many sessions in a second; the one that there is, if it is that.
    fn rate(&self, per_second: Option<u32>) -> Option<RateLimiter> {
        if self.settings.new_sessions_per_second == per_second {
            return self.rate.clone();
        }
        // None for 0, which no limit can be, and for more than can be counted.
        let limit = RateLimit::new(per_second?, Duration::from_secs(1)).ok()?;
        Some(limit.into())
    }
}

#[cfg(test)]
mod tests {
    use gateway_lb::pool::{Pool, PoolSettings};

    use super::*;
    use crate::l4::StreamLayers;
    use crate::model::Protocol;
    use crate::stack::{Backends, Extensions};

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn table(before: &SessionTable, per_second: Option<u32>) -> SessionTable {
        let backends = Backends::new(Pool::new(PoolSettings::default()));
        let assembler = Assembler::new(backends, Extensions::default(), StreamLayers::default());
        let settings = UdpSettings {
            new_sessions_per_second: per_second,
            ..UdpSettings::default()
        };
        let listener = Listener::new("udp", 0, Protocol::Udp)
            .with_stream_route(StreamRoute::new(StreamRouteKind::Udp, "route"))
            .with_udp_settings(settings);
        SessionTable::updated(before, &[Arc::new(listener)], &assembler)
    }

    /// How many of a hundred may begin.
    fn begin(table: &SessionTable) -> usize {
        (0..100).filter(|_| table.may_begin(CLIENT)).count()
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_begin_in_a_second_and_no_more() {
        let table = table(&SessionTable::default(), Some(10));
        assert_eq!(begin(&table), 10);

        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(begin(&table), 5);

        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(begin(&table), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn count_stays_while_the_setting_does() {
        let first = table(&SessionTable::default(), Some(10));
        assert_eq!(begin(&first), 10);

        let second = table(&first, Some(10));
        assert_eq!(begin(&second), 0);
        assert_eq!(begin(&table(&second, Some(11))), 11);
    }

    #[test]
    fn rate_of_none_lets_none_begin_and_no_rate_all() {
        assert_eq!(begin(&table(&SessionTable::default(), Some(0))), 0);
        assert_eq!(begin(&table(&SessionTable::default(), None)), 100);
        assert_eq!(begin(&table(&SessionTable::default(), Some(u32::MAX))), 100);
    }
}
