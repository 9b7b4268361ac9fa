//! An address to which datagrams are sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};

use super::SessionStack;
use super::rate::Rate;
use crate::l4::table::oldest;
use crate::model::{Listener, StreamRoute, StreamRouteKind, UdpSettings};
use crate::stack::Assembler;
use crate::telemetry::PortCells;

/// A bound address, what becomes of its sessions, and how many there are, over all
/// workers.
#[derive(Debug)]
pub(crate) struct UdpPort {
    address: SocketAddr,
    table: ArcSwap<SessionTable>,
    sessions: AtomicUsize,
    rate: Rate,
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
            rate: Rate::new(),
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

    /// A place for one more session, unless there are too many or they come too fast.
    pub(super) fn enter(self: &Arc<Self>, settings: &UdpSettings) -> Option<Place> {
        self.sessions
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| {
                (open < settings.max_sessions).then_some(open + 1)
            })
            .ok()?;
        // From here on the place is given back whatever happens.
        let place = Place(Arc::clone(self));

        let limit = settings.new_sessions_per_second;
        limit
            .is_none_or(|limit| self.rate.allows(limit))
            .then_some(place)
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
    stack: Option<SessionStack>,
    settings: UdpSettings,
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
        let stack = if before.route.as_ref() == route {
            before.stack.clone()
        } else {
            route.and_then(|route| assembler.sessions(route))
        };
        Self {
            route: route.cloned(),
            stack,
            settings: *listener.udp_settings(),
        }
    }

    /// Everything that happens to a session; without it, there is none.
    pub(super) fn stack(&self) -> Option<&SessionStack> {
        self.stack.as_ref()
    }

    pub(super) fn settings(&self) -> &UdpSettings {
        &self.settings
    }
}
