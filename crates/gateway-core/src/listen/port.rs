//! An address that is listened on.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::l4::policy::NoEntry;
use crate::l4::{Gate, StreamTable};
use crate::live_table::LiveTable;
use crate::model::Listener;
use crate::telemetry::{ListenerSeries, PortCells};
use crate::tls::TlsTable;

/// A bound address and what is served there at the moment.
///
/// Connections keep their port and look at its table for every request, so a
/// change of routes touches no connection.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    /// The port that clients use.
    public: AtomicU16,
    table: ArcSwap<PortTable>,
    gate: Gate,
    /// By worker.
    cells: Box<[Arc<PortCells>]>,
}

/// What is served at an address: one kind of connections. Complete.
#[derive(Debug)]
pub(crate) enum PortTable {
    /// Requests in the clear.
    Http(Requests),
    /// Connections that begin with a ClientHello, and the requests in those that are
    /// decrypted.
    Tls {
        listeners: TlsTable,
        requests: Requests,
    },
    /// Connections that are taken as they come.
    Tcp(StreamTable),
}

/// Where requests go, and where they are counted.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(crate) table: LiveTable,
    /// Of the listeners of the table, in its order.
    pub(crate) series: Vec<Arc<ListenerSeries>>,
}

impl PortTable {
    /// Nothing is served.
    pub(crate) fn empty() -> Self {
        Self::Http(Requests::default())
    }

    /// Nothing is served any more, of what was.
    pub(crate) fn emptied(&self) -> Self {
        match self {
            Self::Http(_) => Self::empty(),
            Self::Tls { .. } => Self::Tls {
                listeners: TlsTable::default(),
                requests: Requests::default(),
            },
            Self::Tcp(_) => Self::Tcp(StreamTable::default()),
        }
    }

    /// What requests see that come encrypted, or in the clear; nothing if no such are
    /// served here.
    pub(crate) fn requests(&self, encrypted: bool) -> Option<&Requests> {
        match self {
            Self::Http(requests) if !encrypted => Some(requests),
            Self::Tls { requests, .. } if encrypted => Some(requests),
            Self::Http(_) | Self::Tls { .. } | Self::Tcp(_) => None,
        }
    }

    /// How connections are told apart by the name that a client asks for, if they are.
    pub(crate) fn tls(&self) -> Option<&TlsTable> {
        match self {
            Self::Tls { listeners, .. } => Some(listeners),
            Self::Http(_) | Self::Tcp(_) => None,
        }
    }

    /// Lets a connection of `client` in, as far as it matters not what is said in it.
    pub(crate) fn admit(&self, client: IpAddr) -> Result<(), NoEntry> {
        match self {
            Self::Http(_) => Ok(()),
            Self::Tls { listeners, .. } => listeners.check_address(client),
            Self::Tcp(streams) => match streams.served() {
                Some(served) => served.admit(client),
                None => Ok(()),
            },
        }
    }

    /// What is done with connections that are taken as they come, if they are.
    pub(crate) fn streams(&self) -> Option<&StreamTable> {
        match self {
            Self::Tcp(streams) => Some(streams),
            Self::Http(_) | Self::Tls { .. } => None,
        }
    }
}

impl Port {
    pub(crate) fn new(address: SocketAddr, table: PortTable, cells: Box<[Arc<PortCells>]>) -> Self {
        Self {
            address,
            public: AtomicU16::new(address.port()),
            table: ArcSwap::from_pointee(table),
            gate: Gate::default(),
            cells,
        }
    }

    /// What is asked of connections before anything else.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What is counted here, by worker.
    pub(crate) fn cells(&self) -> &[Arc<PortCells>] {
        &self.cells
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port that clients use; another than that of the address if something in
    /// between translates it.
    pub(crate) fn public(&self) -> u16 {
        self.public.load(Ordering::Relaxed)
    }

    /// Learns from its listeners which port clients use.
    pub(crate) fn translate(&self, listeners: &[Arc<Listener>]) {
        let mut listeners = listeners.iter();
        let translated = listeners.find(|one| one.bound_port() != one.port());
        // Without a translation it may have been any that is free.
        let public = translated
            .filter(|one| one.port() != 0)
            .map(|one| one.port());
        let public = public.unwrap_or(self.address.port());
        self.public.store(public, Ordering::Relaxed);
    }

    pub(crate) fn table(&self) -> Guard<Arc<PortTable>> {
        self.table.load()
    }

    /// Connections and requests that arrive from now on see `table`.
    pub(crate) fn serve(&self, table: PortTable) {
        self.table.store(Arc::new(table));
    }
}
