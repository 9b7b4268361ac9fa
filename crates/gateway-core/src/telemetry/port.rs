//! Connections and sessions, by the address they come to.

use std::sync::Arc;

use super::counter::{Counter, open};
use super::handshakes::HandshakeCells;
use super::requests::RequestCells;
use super::streams::StreamCells;
use super::{HandshakeMetrics, RequestMetrics, StreamMetrics};

/// What a worker counts whatever it serves.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct WorkerCells {
    index: usize,
    panics: Counter,
}

impl WorkerCells {
    pub(crate) fn new(index: usize) -> Self {
        Self {
            index,
            panics: Counter::default(),
        }
    }

    /// Which of the workers it is, from 0.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Counts a panic, if there is one: for guards, when they are dropped.
    pub(super) fn note_panic(&self) {
        if std::thread::panicking() {
            self.panics.increment();
        }
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.value()
    }
}

/// What a worker counts at one address.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct PortCells {
    worker: Arc<WorkerCells>,
    begun: Counter,
    ended: Counter,
    handshakes: HandshakeCells,
    streams: StreamCells,
    unclaimed: Arc<RequestCells>,
}

impl PortCells {
    pub(crate) fn new(worker: &Arc<WorkerCells>) -> Self {
        Self {
            worker: Arc::clone(worker),
            begun: Counter::default(),
            ended: Counter::default(),
            handshakes: HandshakeCells::default(),
            streams: StreamCells::default(),
            unclaimed: Arc::new(RequestCells::new(worker)),
        }
    }

    /// Cells of which nobody reads the sum.
    #[cfg(test)]
    pub(crate) fn alone() -> Arc<Self> {
        Arc::new(Self::new(&Arc::new(WorkerCells::new(0))))
    }

    /// A connection was accepted, or a session made.
    pub(crate) fn begin(&self) {
        self.begun.increment();
    }

    /// It has ended. To be said while its guard is dropped, so that a panic is seen.
    pub(crate) fn end(&self) {
        self.ended.increment();
        self.worker.note_panic();
    }

    pub(crate) fn handshakes(&self) -> &HandshakeCells {
        &self.handshakes
    }

    pub(crate) fn streams(&self) -> &StreamCells {
        &self.streams
    }

    pub(super) fn worker(&self) -> &WorkerCells {
        &self.worker
    }

    /// For requests that are for no listener.
    pub(super) fn unclaimed(&self) -> &Arc<RequestCells> {
        &self.unclaimed
    }

    /// The cells of all workers at one address, added up.
    pub(crate) fn sum(all: &[Arc<Self>]) -> PortSum {
        // Ends first, so that none is seen of what had not begun.
        let ended: u64 = all.iter().map(|cells| cells.ended.value()).sum();
        let begun = all.iter().map(|cells| cells.begun.value()).sum();
        PortSum {
            begun,
            open: open(begun, ended),
            handshakes: HandshakeCells::sum(all.iter().map(|cells| &cells.handshakes)),
            streams: StreamCells::sum(all.iter().map(|cells| &cells.streams)),
            unclaimed: RequestCells::sum(all.iter().map(|cells| &cells.unclaimed)),
        }
    }
}

/// What all workers have counted at one address.
#[derive(Debug)]
pub(crate) struct PortSum {
    pub(crate) begun: u64,
    pub(crate) open: u64,
    pub(crate) handshakes: HandshakeMetrics,
    pub(crate) streams: StreamMetrics,
    pub(crate) unclaimed: RequestMetrics,
}
