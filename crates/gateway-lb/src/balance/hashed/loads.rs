//! The requests in flight that bounded loads go by.

use std::sync::Arc;

use crate::balance::algorithm::LoadBound;
use crate::balance::pick::{Hold, InFlight};
use crate::endpoint::EndpointSet;
use crate::sync::{AtomicU64, Ordering};

/// The requests in flight, of all threads. Endpoints that stay keep theirs.
#[derive(Debug)]
pub(super) struct Loads {
    bound: LoadBound,
    // Shared with the tables before and after this one, so that a table is not counted.
    total: Arc<InFlight>,
    each: Box<[Arc<Load>]>,
}

impl Loads {
    /// Those of `endpoints`, which go on from `before`.
    pub(super) fn new(
        bound: LoadBound,
        endpoints: &EndpointSet,
        before: Option<(&EndpointSet, &Self)>,
    ) -> Self {
        let each = endpoints.iter().map(|endpoint| {
            before
                .and_then(|(set, loads)| loads.each.get(set.position(endpoint.address())?))
                .map_or_else(Arc::default, Arc::clone)
        });
        Self {
            bound,
            total: before.map_or_else(Arc::default, |(_, loads)| Arc::clone(&loads.total)),
            each: each.collect(),
        }
    }

    /// What each of `endpoints` may have in flight, with one request more.
    pub(super) fn bounds<'a>(
        &'a self,
        endpoints: &'a EndpointSet,
        eligible: &[bool],
    ) -> Bounds<'a> {
        let weights = std::iter::zip(endpoints, eligible)
            .filter(|(_, eligible)| **eligible)
            .map(|(endpoint, _)| u64::from(endpoint.weight()));
        Bounds {
            loads: self,
            endpoints,
            total: self.total.count() + 1,
            weights: weights.sum(),
        }
    }
}

/// What each endpoint may have in flight.
pub(super) struct Bounds<'a> {
    loads: &'a Loads,
    endpoints: &'a EndpointSet,
    total: usize,
    weights: u64,
}

impl Bounds<'_> {
    pub(super) fn has_room(&self, index: usize) -> bool {
        self.loads.each[index].count() < self.most(index)
    }

    /// A place at the endpoint, if it still has room: others may have been faster.
    pub(super) fn enter(&self, index: usize) -> Option<Hold> {
        let entered = Entered::below(self.most(index), &self.loads.each[index])?;
        Some(self.hold(entered))
    }

    /// A place at the endpoint, whether it has room or not.
    pub(super) fn enter_anyway(&self, index: usize) -> Hold {
        self.hold(Entered::anyway(&self.loads.each[index]))
    }

    fn hold(&self, entered: Entered) -> Hold {
        Hold::Bounded {
            _endpoint: entered,
            _total: self.loads.total.enter(),
        }
    }

    fn most(&self, index: usize) -> u64 {
        let weight = u64::from(self.endpoints.as_slice()[index].weight());
        self.loads.bound.most(self.total, weight, self.weights) as u64
    }
}

/// The requests in flight to one endpoint.
#[derive(Debug, Default)]
struct Load(AtomicU64);

impl Load {
    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of the requests in flight to an endpoint, until it is dropped.
#[derive(Debug)]
pub(in crate::balance) struct Entered(Arc<Load>);

impl Entered {
    /// One more, if there are fewer than `most`: in one step, so that no two take one place.
    fn below(most: u64, load: &Arc<Load>) -> Option<Self> {
        let one_more = |count| (count < most).then_some(count + 1);
        let relaxed = Ordering::Relaxed;
        let entered = load.0.fetch_update(relaxed, relaxed, one_more);
        entered.is_ok().then(|| Self(Arc::clone(load)))
    }

    fn anyway(load: &Arc<Load>) -> Self {
        load.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(load))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
