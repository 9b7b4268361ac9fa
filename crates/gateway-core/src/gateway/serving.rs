//! Brings what is served to what a configuration says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::exchange::LiveTable;
use crate::l4::StreamTable;
use crate::listen::{BindError, Port, PortTable, Sockets, bind};
use crate::model::{Configuration, Gateway, Listener, Protocol};
use crate::stack::{Assembler, Lookup};
use crate::tls::TlsTable;
use crate::worker::{Command, Commands};

/// What is configured and what came of it.
#[derive(Debug)]
pub(super) struct Serving {
    assembler: Assembler,
    workers: Vec<Commands>,
    configuration: Configuration,
    /// By the address that is configured, whose port may be 0.
    ports: BTreeMap<SocketAddr, Arc<Port>>,
    failed: BTreeMap<SocketAddr, BindError>,
}

/// What became of an update.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// The addresses that are listened on now, of all there are.
    pub listening: Vec<SocketAddr>,
    /// The addresses that cannot be listened on.
    pub failed: Vec<BindError>,
}

impl Serving {
    pub(super) fn new(assembler: Assembler, workers: Vec<Commands>) -> Self {
        Self {
            assembler,
            workers,
            configuration: Configuration::default(),
            ports: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    pub(super) fn update(&mut self, configuration: Configuration) -> (Update, Vec<Lookup>) {
        // Backends first: a route that is new must find its endpoints.
        let lookups = if configuration.shares_backends(&self.configuration) {
            Vec::new()
        } else {
            self.assembler.backends.update(&configuration)
        };
        self.configuration = configuration;
        self.apply();

        let failed = self.failed.values().cloned().collect();
        (
            Update {
                listening: self.addresses(),
                failed,
            },
            lookups,
        )
    }

    pub(super) fn retry_binds(&mut self) {
        if !self.failed.is_empty() {
            self.apply();
        }
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.values().map(|port| port.address()).collect()
    }

    fn apply(&mut self) {
        let wanted = by_address(&self.configuration);
        self.close_all_but(&wanted);
        self.failed
            .retain(|address, _| wanted.contains_key(address));

        for (address, listeners) in wanted {
            match self.ports.get(&address) {
                Some(port) => {
                    let table = self.table(&port.table(), &listeners);
                    port.serve(table);
                }
                None => self.open(address, &listeners),
            }
        }
    }

    fn close_all_but(&mut self, wanted: &BTreeMap<SocketAddr, Vec<Arc<Listener>>>) {
        let workers = &self.workers;
        self.ports.retain(|configured, port| {
            let keep = wanted.contains_key(configured);
            if !keep {
                let address = port.address();
                port.serve(port.table().emptied());
                workers
                    .iter()
                    .for_each(|worker| worker.send(Command::Unlisten { address }));
                tracing::info!(%address, "no longer listening");
            }
            keep
        });
    }

    fn open(&mut self, configured: SocketAddr, listeners: &[Arc<Listener>]) {
        let overlaps = self
            .ports
            .keys()
            .any(|other| other.port() == configured.port());
        match bind(configured, self.workers.len(), overlaps) {
            Ok(Sockets { address, sockets }) => {
                // The table is there before the first connection can be accepted.
                let port = Arc::new(Port::new(
                    address,
                    self.table(&PortTable::empty(), listeners),
                ));
                for (worker, socket) in self.workers.iter().zip(sockets) {
                    worker.send(Command::Listen {
                        port: Arc::clone(&port),
                        socket,
                    });
                }
                self.ports.insert(configured, port);
                self.failed.remove(&configured);
                tracing::info!(%address, "listening");
            }
            Err(error) => {
                if self.failed.insert(configured, error.clone()).is_none() {
                    tracing::error!(address = %error.address, error = %error.source, "cannot listen");
                }
            }
        }
    }

    /// What is served at an address where `listeners` want to be. An address has one
    /// kind of listeners; others than that of the first are not served.
    fn table(&self, before: &PortTable, listeners: &[Arc<Listener>]) -> PortTable {
        let empty = LiveTable::empty();
        if let Some(streams) = StreamTable::updated(before.streams(), listeners, &self.assembler) {
            return PortTable::Tcp(streams);
        }
        if !listeners.first().is_some_and(|first| is_encrypted(first)) {
            let known = before.requests(false).unwrap_or(&empty);
            let listeners = only(listeners, |protocol| *protocol == Protocol::Http);
            return PortTable::Http(self.requests(known, &listeners));
        }

        let known = before.requests(true).unwrap_or(&empty);
        let https = only(listeners, |protocol| matches!(protocol, Protocol::Https(_)));
        PortTable::Tls {
            listeners: TlsTable::updated(before.tls(), listeners, &self.assembler),
            requests: self.requests(known, &https),
        }
    }

    fn requests(&self, before: &LiveTable, listeners: &[Arc<Listener>]) -> LiveTable {
        before.updated(listeners, &mut |_, route, rule| {
            Arc::new(self.assembler.assemble(route.kind(), &route.rules()[rule]))
        })
    }
}

fn is_encrypted(listener: &Listener) -> bool {
    matches!(listener.protocol(), Protocol::Https(_) | Protocol::Tls(_))
}

fn only(listeners: &[Arc<Listener>], is_meant: fn(&Protocol) -> bool) -> Vec<Arc<Listener>> {
    let meant = listeners
        .iter()
        .filter(|listener| is_meant(listener.protocol()));
    meant.cloned().collect()
}

/// Listeners by the address they want.
fn by_address(configuration: &Configuration) -> BTreeMap<SocketAddr, Vec<Arc<Listener>>> {
    let mut wanted = BTreeMap::<_, Vec<_>>::new();
    for gateway in configuration.gateways() {
        for listener in gateway.listeners() {
            for address in addresses(gateway) {
                wanted
                    .entry(SocketAddr::new(address, listener.port()))
                    .or_default()
                    .push(Arc::clone(listener));
            }
        }
    }
    wanted
}

fn addresses(gateway: &Gateway) -> Vec<IpAddr> {
    match gateway.addresses() {
        [] => vec![Ipv6Addr::UNSPECIFIED.into()],
        some => some.to_vec(),
    }
}
