//! Brings what is served to what a configuration says.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use super::datagrams::Datagrams;
use super::refused::{RefusedPolicy, refused_policies};
use crate::l4::StreamTable;
use crate::listen::{BindError, Port, PortTable, Requests, Sockets, bind};
use crate::model::{Configuration, Gateway, Listener, Protocol};
use crate::stack::{Assembler, Chore};
use crate::telemetry::{
    AddressMetrics, Metrics, PortCells, Registry, UpstreamMetrics, certificates,
};
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
    datagrams: Datagrams,
    registry: Registry,
    generation: u64,
    changed_at: Option<SystemTime>,
}

/// What became of an update.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// The addresses that are listened on now, of all there are.
    pub listening: Vec<SocketAddr>,
    /// The addresses where datagrams are received now, of all there are.
    pub receiving: Vec<SocketAddr>,
    /// The addresses that cannot be listened on.
    pub failed: Vec<BindError>,
    /// The policies that cannot hold where they are attached. Nothing is forwarded there.
    pub refused: Vec<RefusedPolicy>,
}

impl Serving {
    pub(super) fn new(assembler: Assembler, workers: Vec<Commands>, registry: Registry) -> Self {
        Self {
            assembler,
            workers,
            configuration: Configuration::default(),
            ports: BTreeMap::new(),
            failed: BTreeMap::new(),
            datagrams: Datagrams::default(),
            registry,
            generation: 0,
            changed_at: None,
        }
    }

    pub(super) fn update(&mut self, configuration: Configuration) -> (Update, Vec<Chore>) {
        // Backends first: a route that is new must find its endpoints.
        let mut chores = self.assembler.backends.update(&configuration);
        let is_news = self.generation == 0 || self.configuration != configuration;
        self.configuration = configuration;
        self.registry.follow(&self.configuration);
        self.apply();
        self.assembler.backends.retire(&self.configuration);
        self.assembler.kept.forget();
        chores.extend(self.assembler.chores.take());
        if is_news {
            self.generation += 1;
            self.changed_at = Some(SystemTime::now());
        }

        let failed = self.failed.values().chain(self.datagrams.failed());
        let failed = failed.cloned().collect();
        (
            Update {
                listening: self.addresses(),
                receiving: self.datagrams.addresses(),
                failed,
                refused: refused_policies(&self.configuration),
            },
            chores,
        )
    }

    /// Returns what has to be done for what could be bound now.
    pub(super) fn retry_binds(&mut self) -> Vec<Chore> {
        if !self.failed.is_empty() || self.datagrams.failed().next().is_some() {
            self.apply();
        }
        self.assembler.chores.take()
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.ports.values().map(|port| port.address()).collect()
    }

    pub(super) fn receiving(&self) -> Vec<SocketAddr> {
        self.datagrams.addresses()
    }

    pub(super) fn connections_refused(&self) -> u64 {
        self.ports.values().map(|port| port.gate().refused()).sum()
    }

    pub(super) fn datagrams_dropped(&self) -> u64 {
        self.datagrams.dropped()
    }

    pub(super) fn metrics(&self) -> Metrics {
        Metrics {
            workers: self.registry.workers(),
            generation: self.generation,
            changed_at: self.changed_at,
            panics: self.registry.panics(),
            listeners: self.registry.listeners(),
            addresses: self.ports.values().map(|port| metrics(port)).collect(),
            datagrams: self.datagrams.metrics(),
            upstream: self.upstream(),
            certificates: certificates(&self.configuration),
        }
    }

    fn upstream(&self) -> UpstreamMetrics {
        let counts = self.assembler.backends.pool().counts();
        UpstreamMetrics {
            opened: counts.opened,
            reused: counts.reused,
            failed: counts.failed,
        }
    }

    fn apply(&mut self) {
        self.datagrams.apply(
            &self.configuration,
            &self.assembler,
            &self.registry,
            &self.workers,
        );
        let wanted = by_address(&self.configuration, |protocol| *protocol != Protocol::Udp);
        self.close_all_but(&wanted);
        self.failed
            .retain(|address, _| wanted.contains_key(address));

        for (address, listeners) in wanted {
            match self.ports.get(&address) {
                Some(port) => {
                    let table = self.table(&port.table(), &listeners);
                    port.gate().update(&listeners);
                    port.serve(table);
                    port.translate(&listeners);
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
                    self.registry.port(),
                ));
                port.gate().update(listeners);
                port.translate(listeners);
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
        let empty = Requests::default();
        if let Some(streams) = StreamTable::updated(before.streams(), listeners, &self.assembler) {
            return PortTable::Tcp(streams);
        }
        if !listeners
            .first()
            .is_some_and(|first| is_encrypted(first.protocol()))
        {
            let known = before.requests(false).unwrap_or(&empty);
            let listeners = only(listeners, |protocol| *protocol == Protocol::Http);
            return PortTable::Http(self.requests(known, &listeners));
        }

        let known = before.requests(true).unwrap_or(&empty);
        // Listeners without requests, too: a request for their names is misdirected.
        let listeners = only(listeners, is_encrypted);
        PortTable::Tls {
            requests: self.requests(known, &listeners),
            listeners: TlsTable::updated(before.tls(), &listeners, &self.assembler),
        }
    }

    fn requests(&self, before: &Requests, listeners: &[Arc<Listener>]) -> Requests {
        Requests {
            table: before.table.updated(listeners, &self.assembler),
            series: self.registry.series(listeners),
        }
    }
}

fn metrics(port: &Port) -> AddressMetrics {
    let sum = PortCells::sum(port.cells());
    AddressMetrics {
        address: port.address(),
        accepted: sum.begun,
        open: sum.open,
        refused: port.gate().refused(),
        handshakes: sum.handshakes,
        streams: sum.streams,
        unclaimed: sum.unclaimed,
    }
}

fn is_encrypted(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::Https(_) | Protocol::Tls(_))
}

fn only(listeners: &[Arc<Listener>], is_meant: fn(&Protocol) -> bool) -> Vec<Arc<Listener>> {
    let meant = listeners
        .iter()
        .filter(|listener| is_meant(listener.protocol()));
    meant.cloned().collect()
}

/// Listeners of some protocols by the address they want.
pub(super) fn by_address(
    configuration: &Configuration,
    is_meant: impl Fn(&Protocol) -> bool,
) -> BTreeMap<SocketAddr, Vec<Arc<Listener>>> {
    let mut wanted = BTreeMap::<_, Vec<_>>::new();
    for gateway in configuration.gateways() {
        let listeners = gateway.listeners().iter();
        for listener in listeners.filter(|listener| is_meant(listener.protocol())) {
            for address in addresses(gateway) {
                wanted
                    .entry(SocketAddr::new(address, listener.bound_port()))
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
