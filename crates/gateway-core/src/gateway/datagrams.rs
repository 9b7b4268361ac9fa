//! Brings what is received to what a configuration says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::serving::by_address;
use crate::l4::udp::{SessionTable, UdpPort, UdpSockets, bind};
use crate::listen::BindError;
use crate::model::{Configuration, Listener, Protocol};
use crate::stack::Assembler;
use crate::telemetry::{DatagramMetrics, PortCells, Registry};
use crate::worker::{Command, Commands};

/// The addresses for datagrams and what came of them.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    /// By the address that is configured, whose port may be 0.
    ports: BTreeMap<SocketAddr, Arc<UdpPort>>,
    failed: BTreeMap<SocketAddr, BindError>,
}

impl Datagrams {
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.values().map(|port| port.address()).collect()
    }

    pub(super) fn failed(&self) -> impl Iterator<Item = &BindError> {
        self.failed.values()
    }

    /// How often datagrams were dropped for which there was no session.
    pub(super) fn dropped(&self) -> u64 {
        self.ports.values().map(|port| port.dropped()).sum()
    }

    pub(super) fn metrics(&self) -> Vec<DatagramMetrics> {
        let metrics = |port: &Arc<UdpPort>| {
            let sum = PortCells::sum(port.cells());
            DatagramMetrics {
                address: port.address(),
                sessions: sum.begun,
                open: sum.open,
                dropped: port.dropped(),
                streams: sum.streams,
            }
        };

        self.ports.values().map(metrics).collect()
    }

    pub(super) fn apply(
        &mut self,
        configuration: &Configuration,
        assembler: &Assembler,
        registry: &Registry,
        workers: &[Commands],
    ) {
        let wanted = by_address(configuration, |protocol| *protocol == Protocol::Udp);
        self.close_all_but(&wanted, workers);
        self.failed
            .retain(|address, _| wanted.contains_key(address));

        for (address, listeners) in wanted {
            match self.ports.get(&address) {
                Some(port) => {
                    let table = SessionTable::updated(&port.table(), &listeners, assembler);
                    port.serve(table);
                }
                None => {
                    let table =
                        SessionTable::updated(&SessionTable::default(), &listeners, assembler);
                    self.open(address, table, registry.port(), workers);
                }
            }
        }
    }

    fn close_all_but(
        &mut self,
        wanted: &BTreeMap<SocketAddr, Vec<Arc<Listener>>>,
        workers: &[Commands],
    ) {
        self.ports.retain(|configured, port| {
            let keep = wanted.contains_key(configured);
            if !keep {
                let address = port.address();
                workers
                    .iter()
                    .for_each(|worker| worker.send(Command::Unreceive { address }));
                tracing::info!(%address, "no longer receiving datagrams");
            }
            keep
        });
    }

    fn open(
        &mut self,
        configured: SocketAddr,
        table: SessionTable,
        cells: Box<[Arc<PortCells>]>,
        workers: &[Commands],
    ) {
        let overlaps = self
            .ports
            .keys()
            .any(|other| other.port() == configured.port());
        match bind(configured, workers.len(), overlaps) {
            Ok(UdpSockets { address, sockets }) => {
                let port = Arc::new(UdpPort::new(address, table, cells));
                for (worker, socket) in workers.iter().zip(sockets) {
                    worker.send(Command::Receive {
                        port: Arc::clone(&port),
                        socket,
                    });
                }
                self.ports.insert(configured, port);
                self.failed.remove(&configured);
                tracing::info!(%address, "receiving datagrams");
            }
            Err(error) => {
                if self.failed.insert(configured, error.clone()).is_none() {
                    tracing::error!(address = %error.address, error = %error.source, "cannot receive datagrams");
                }
            }
        }
    }
}
