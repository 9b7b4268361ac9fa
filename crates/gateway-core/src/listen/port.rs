//! An address that is listened on.

use std::net::SocketAddr;

use arc_swap::ArcSwap;

use crate::exchange::LiveTable;

/// A bound address and what is served there at the moment.
///
/// Connections keep their port and look at its table for every request, so a
/// change of routes touches no connection.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    table: ArcSwap<LiveTable>,
}

impl Port {
    pub(crate) fn new(address: SocketAddr, table: LiveTable) -> Self {
        Self {
            address,
            table: ArcSwap::from_pointee(table),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn table(&self) -> arc_swap::Guard<std::sync::Arc<LiveTable>> {
        self.table.load()
    }

    /// Requests that arrive from now on see `table`.
    pub(crate) fn serve(&self, table: LiveTable) {
        self.table.store(std::sync::Arc::new(table));
    }
}
