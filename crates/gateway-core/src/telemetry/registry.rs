//! Which listener is counted where.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::ListenerMetrics;
use super::port::{PortCells, WorkerCells};
use super::requests::ListenerSeries;
use crate::model::{Configuration, Listener, ObjectName, SectionName};

/// The cells of everything that is configured.
#[derive(Debug)]
pub(crate) struct Registry {
    workers: Vec<Arc<WorkerCells>>,
    by_name: BTreeMap<(ObjectName, SectionName), Arc<ListenerSeries>>,
    /// By the place of the listener in memory, for as long as the configuration holds
    /// it there: a listener does not know whose it is.
    by_listener: HashMap<usize, Arc<ListenerSeries>, RandomState>,
}

impl Registry {
    pub(crate) fn new(workers: Vec<Arc<WorkerCells>>) -> Self {
        Self {
            workers,
            by_name: BTreeMap::new(),
            by_listener: HashMap::default(),
        }
    }

    /// Counts for the listeners of `configuration` from now on, and forgets others.
    /// Namesakes of one Gateway (of its ListenerSets, for example) are counted
    /// together. One that several Gateways share, the same `Arc`, is counted for the
    /// last of them.
    pub(crate) fn follow(&mut self, configuration: &Configuration) {
        let mut before = std::mem::take(&mut self.by_name);
        self.by_listener.clear();
        for gateway in configuration.gateways() {
            for listener in gateway.listeners() {
                let name = (gateway.name().clone(), listener.name().clone());
                let series = self.by_name.entry(name).or_insert_with_key(|name| {
                    before.remove(name).unwrap_or_else(|| {
                        let (gateway, listener) = name.clone();
                        Arc::new(ListenerSeries::new(gateway, listener, &self.workers))
                    })
                });
                self.by_listener.insert(key(listener), Arc::clone(series));
            }
        }
    }

    /// Where `listeners` of the last configuration are counted, in their order.
    pub(crate) fn series(&self, listeners: &[Arc<Listener>]) -> Vec<Arc<ListenerSeries>> {
        let series = |listener| self.by_listener.get(&key(listener)).cloned();

        // All are there; one that is not would end the list where it stands.
        listeners.iter().map_while(series).collect()
    }

    /// Cells for an address, by worker.
    pub(crate) fn port(&self) -> Box<[Arc<PortCells>]> {
        let cells = self.workers.iter().map(PortCells::new).map(Arc::new);

        cells.collect()
    }

    /// The listeners, by name.
    pub(crate) fn listeners(&self) -> Vec<ListenerMetrics> {
        let metrics = |series: &Arc<ListenerSeries>| ListenerMetrics {
            gateway: series.gateway.clone(),
            listener: series.listener.clone(),
            requests: series.metrics(),
        };

        self.by_name.values().map(metrics).collect()
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers.len()
    }

    pub(crate) fn panics(&self) -> u64 {
        self.workers.iter().map(|worker| worker.panics()).sum()
    }
}

fn key(listener: &Arc<Listener>) -> usize {
    Arc::as_ptr(listener).addr()
}
