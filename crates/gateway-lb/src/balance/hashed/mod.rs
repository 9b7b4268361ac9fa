//! The same endpoint for the same key (consistent hashing).
//!
//! The table is made of all endpoints that have a weight, whatever their health. A key whose
//! endpoint cannot take it is hashed again, and so on: the keys of an endpoint that fails spread
//! over the others by weight, no other key moves, and all return when it is back.

use std::net::SocketAddr;
use std::sync::Arc;

use super::algorithm::{LoadBound, Maglev, RingHash};
use super::pick::{Hold, InFlight, Pick};
use crate::endpoint::EndpointSet;
use crate::stable_hash;

mod maglev;
mod ring;
#[cfg(test)]
mod tests;

/// Endpoints arranged by hashes. Made when the set changes.
#[derive(Debug)]
pub(super) struct Hashed {
    endpoints: EndpointSet,
    places: Places,
    loads: Option<Loads>,
}

#[derive(Debug)]
enum Places {
    Ring(Box<[(u64, u32)]>),
    Table(Box<[u32]>),
}

impl Hashed {
    pub(super) fn ring(settings: RingHash, endpoints: EndpointSet, before: Option<&Self>) -> Self {
        Self {
            places: Places::Ring(ring::ring(&endpoints, settings.points())),
            loads: settings
                .bound()
                .map(|bound| Loads::new(bound, &endpoints, before)),
            endpoints,
        }
    }

    pub(super) fn maglev(settings: Maglev, endpoints: EndpointSet, before: Option<&Self>) -> Self {
        Self {
            places: Places::Table(maglev::table(&endpoints, settings.slots())),
            loads: settings
                .bound()
                .map(|bound| Loads::new(bound, &endpoints, before)),
            endpoints,
        }
    }

    /// The endpoint for `key` among those that are `eligible` and not at `avoid`, if there are
    /// any; then those at `avoid`.
    pub(super) fn pick(&self, key: u64, eligible: &[bool], avoid: &[SocketAddr]) -> Option<Pick> {
        let allowed = |index: usize| {
            eligible.get(index) == Some(&true)
                && (avoid.is_empty() || !avoid.contains(&self.address(index)))
        };
        let bounds = self
            .loads
            .as_ref()
            .map(|loads| Bounds::now(loads, &self.endpoints, eligible));
        let has_room = |index: usize| bounds.as_ref().is_none_or(|bounds| bounds.has_room(index));

        let index = self
            .by_hashing(key, |index| allowed(index) && has_room(index))
            .or_else(|| self.by_search(key, |index| allowed(index) && has_room(index)))
            .or_else(|| self.by_search(key, allowed))
            .or_else(|| self.by_search(key, |index| eligible.get(index) == Some(&true)))?;

        let endpoint = self.endpoints.as_slice().get(index)?.clone();
        let hold = self
            .loads
            .as_ref()
            .map_or(Hold::None, |loads| loads.enter(index));
        Some(Pick::new(endpoint, hold))
    }

    fn by_hashing(&self, key: u64, may_take: impl Fn(usize) -> bool) -> Option<usize> {
        // Hashed even the first time, so that keys may be any numbers, such as 1, 2 and 3.
        (0..ATTEMPTS)
            .filter_map(|attempt| self.at(stable_hash::again(key, attempt)))
            .find(|index| may_take(*index))
    }

    /// The one that `key` likes best (rendezvous hashing); where hashing met only others.
    fn by_search(&self, key: u64, may_take: impl Fn(usize) -> bool) -> Option<usize> {
        (0..self.endpoints.len())
            .filter(|index| may_take(*index))
            .max_by_key(|index| stable_hash::of_address(self.address(*index), key))
    }

    fn at(&self, key: u64) -> Option<usize> {
        let index = match &self.places {
            Places::Ring(ring) => ring::next(ring, key)?,
            Places::Table(table) if table.is_empty() => return None,
            Places::Table(table) => table[(key % table.len() as u64) as usize],
        };
        Some(index as usize)
    }

    fn address(&self, index: usize) -> SocketAddr {
        self.endpoints.as_slice()[index].address()
    }
}

/// The requests in flight, of all threads. Endpoints that stay keep theirs.
#[derive(Debug)]
struct Loads {
    bound: LoadBound,
    // Shared with the tables before and after this one, so that a table is not counted.
    total: Arc<InFlight>,
    each: Box<[Arc<InFlight>]>,
}

impl Loads {
    fn new(bound: LoadBound, endpoints: &EndpointSet, before: Option<&Hashed>) -> Self {
        let known = before.and_then(|before| Some((&before.endpoints, before.loads.as_ref()?)));
        let each = endpoints.iter().map(|endpoint| {
            known
                .and_then(|(before, loads)| loads.each.get(before.position(endpoint.address())?))
                .map_or_else(Arc::default, Arc::clone)
        });
        Self {
            bound,
            total: known.map_or_else(Arc::default, |(_, loads)| Arc::clone(&loads.total)),
            each: each.collect(),
        }
    }

    fn enter(&self, index: usize) -> Hold {
        match self.each.get(index) {
            Some(load) => Hold::Bounded {
                _endpoint: load.enter(),
                _total: self.total.enter(),
            },
            None => Hold::None,
        }
    }
}

/// What each endpoint may have in flight, this request included.
struct Bounds<'a> {
    loads: &'a Loads,
    endpoints: &'a EndpointSet,
    total: usize,
    weights: u64,
}

impl<'a> Bounds<'a> {
    fn now(loads: &'a Loads, endpoints: &'a EndpointSet, eligible: &[bool]) -> Self {
        let weights = std::iter::zip(endpoints, eligible)
            .filter(|(_, eligible)| **eligible)
            .map(|(endpoint, _)| u64::from(endpoint.weight()));
        Self {
            loads,
            endpoints,
            total: loads.total.count() + 1,
            weights: weights.sum(),
        }
    }

    fn has_room(&self, index: usize) -> bool {
        let weight = u64::from(self.endpoints.as_slice()[index].weight());
        let most = self.loads.bound.most(self.total, weight, self.weights);
        self.loads.each[index].count() < most
    }
}

/// How often a key is hashed before all endpoints are looked at.
const ATTEMPTS: u64 = 32;
