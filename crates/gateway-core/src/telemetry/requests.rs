//! Requests, by the listener they are for.

use std::sync::Arc;

use http::StatusCode;

use super::counter::{Counter, open};
use super::port::{PortCells, WorkerCells};
use super::{RequestMetrics, Responses};
use crate::Failure;
use crate::model::{ObjectName, SectionName};

/// Where the requests of one listener are counted, for as long as it is configured.
#[derive(Debug)]
pub(crate) struct ListenerSeries {
    pub(super) gateway: ObjectName,
    pub(super) listener: SectionName,
    /// By worker.
    workers: Box<[Arc<RequestCells>]>,
}

impl ListenerSeries {
    pub(super) fn new(
        gateway: ObjectName,
        listener: SectionName,
        workers: &[Arc<WorkerCells>],
    ) -> Self {
        let cells = workers.iter().map(RequestCells::new).map(Arc::new);
        Self {
            gateway,
            listener,
            workers: cells.collect(),
        }
    }

    pub(super) fn metrics(&self) -> RequestMetrics {
        RequestCells::sum(self.workers.iter())
    }
}

/// What a worker counts of the requests of one listener, or of those of an address
/// that are for none.
///
/// On cache lines of its own: the neighbour is another worker's.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct RequestCells {
    worker: Arc<WorkerCells>,
    begun: Counter,
    ended: Counter,
    /// Responses by the first digit of their status.
    classes: [Counter; CLASSES],
    /// In the order of [`Failure::all`].
    failures: Box<[Counter]>,
    abandoned: Counter,
}

impl RequestCells {
    pub(super) fn new(worker: &Arc<WorkerCells>) -> Self {
        Self {
            worker: Arc::clone(worker),
            begun: Counter::default(),
            ended: Counter::default(),
            classes: Default::default(),
            failures: Failure::all().map(|_| Counter::default()).collect(),
            abandoned: Counter::default(),
        }
    }

    /// Counts a request that begins. `own_task` says that it has one, so that nobody
    /// else notices if it panics.
    pub(super) fn begin(self: &Arc<Self>, own_task: bool) -> Counted {
        self.begun.increment();
        Counted {
            cells: Arc::clone(self),
            own_task,
            answered: false,
        }
    }

    pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Arc<Self>>) -> RequestMetrics {
        let reasons = Failure::all().map(|failure| (failure.reason, 0));
        let mut sum = RequestMetrics {
            in_flight: 0,
            responses: Responses::default(),
            failures: reasons.collect(),
            abandoned: 0,
        };
        for cells in all {
            // Ends first, so that none is seen of what had not begun.
            let ended = cells.ended.value();
            sum.in_flight += open(cells.begun.value(), ended);
            sum.abandoned += cells.abandoned.value();
            for (sum, counter) in sum.responses.by_class.iter_mut().zip(&cells.classes) {
                *sum += counter.value();
            }
            for ((_, sum), counter) in sum.failures.iter_mut().zip(&cells.failures) {
                *sum += counter.value();
            }
        }
        sum
    }
}

/// Where the requests of a connection are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting<'a> {
    pub(crate) port: &'a PortCells,
    /// Those of the table, in its order.
    pub(crate) listeners: &'a [Arc<ListenerSeries>],
    /// Whether each request has a task of its own.
    pub(crate) own_tasks: bool,
}

impl Counting<'_> {
    /// Counts a request for the listener at a place of the table, or for none.
    pub(crate) fn begin(self, place: Option<usize>) -> Counted {
        let series = place.and_then(|place| self.listeners.get(place));
        let cells = series.and_then(|series| series.workers.get(self.port.worker().index()));

        cells
            .unwrap_or_else(|| self.port.unclaimed())
            .begin(self.own_tasks)
    }
}

/// A request that has begun. It is in flight until this is dropped, by the worker
/// that made it.
#[derive(Debug)]
pub(crate) struct Counted {
    cells: Arc<RequestCells>,
    own_task: bool,
    answered: bool,
}

impl Counted {
    /// Its response has begun, or failed.
    pub(crate) fn answered(&mut self, status: StatusCode, failure: Option<Failure>) {
        self.answered = true;
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.cells.classes.get(class) {
            counter.increment();
        }
        if let Some(failure) = failure {
            let place = Failure::all().position(|known| known.reason == failure.reason);
            let counter = place.and_then(|place| self.cells.failures.get(place));
            counter.into_iter().for_each(Counter::increment);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.cells.ended.increment();
        if !self.answered {
            self.cells.abandoned.increment();
        }
        if self.own_task {
            self.cells.worker.note_panic();
        }
    }
}

/// From 1xx to 5xx.
pub(super) const CLASSES: usize = 5;
