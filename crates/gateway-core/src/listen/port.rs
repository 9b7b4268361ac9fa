//! An address that is listened on.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::exchange::LiveTable;
use crate::l4::StreamTable;

/// A bound address and what is served there at the moment.
///
/// Connections keep their port and look at its table for every request, so a
/// change of routes touches no connection.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    table: ArcSwap<LiveTable>,
    /// Instead of the table, where connections are taken as they come.
    streams: ArcSwapOption<StreamTable>,
}

impl Port {
    pub(crate) fn new(address: SocketAddr, table: LiveTable, streams: Option<StreamTable>) -> Self {
        Self {
            address,
            table: ArcSwap::from_pointee(table),
            streams: ArcSwapOption::from_pointee(streams),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn table(&self) -> arc_swap::Guard<Arc<LiveTable>> {
        self.table.load()
    }

    /// Requests that arrive from now on see `table`.
    pub(crate) fn serve(&self, table: LiveTable) {
        self.table.store(Arc::new(table));
    }

    /// What is done with connections that are taken as they come, if they are.
    pub(crate) fn streams(&self) -> Option<Arc<StreamTable>> {
        self.streams.load_full()
    }

    /// Connections that arrive from now on see `streams`.
    pub(crate) fn serve_streams(&self, streams: Option<StreamTable>) {
        self.streams.store(streams.map(Arc::new));
    }
}
