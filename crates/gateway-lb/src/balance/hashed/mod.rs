//! The same endpoint for the same key (consistent hashing).
//!
//! The table is made of all endpoints that have a weight, whatever their health. A key whose
//! endpoint cannot take it is hashed again, and so on: the keys of an endpoint that fails spread
//! over the others by weight, no other key moves, and all return when it is back.

use std::net::SocketAddr;

use self::loads::{Bounds, Loads};
use super::algorithm::{LoadBound, Maglev, RingHash};
use super::pick::{Hold, Pick};
use crate::endpoint::EndpointSet;
use crate::stable_hash;

#[cfg(all(test, every_order))]
mod every_order;
mod loads;
mod maglev;
mod ring;
#[cfg(test)]
mod tests;

pub(super) use self::loads::Entered;

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
            loads: loads(settings.bound(), &endpoints, before),
            endpoints,
        }
    }

    pub(super) fn maglev(settings: Maglev, endpoints: EndpointSet, before: Option<&Self>) -> Self {
        Self {
            places: Places::Table(maglev::table(&endpoints, settings.slots())),
            loads: loads(settings.bound(), &endpoints, before),
            endpoints,
        }
    }

    /// The endpoint for `key` among those that are `eligible` and not at `avoid`, if there are
    /// any; then those at `avoid`.
    pub(super) fn pick(&self, key: u64, eligible: &[bool], avoid: &[SocketAddr]) -> Option<Pick> {
        let is_eligible = |index: usize| eligible.get(index) == Some(&true);
        let allowed = |index: usize| {
            is_eligible(index) && (avoid.is_empty() || !avoid.contains(&self.address(index)))
        };
        let loads = self.loads.as_ref();
        let bounds = loads.map(|loads| loads.bounds(&self.endpoints, eligible));
        let bounds = bounds.as_ref();

        let (index, hold) = self.enter(key, bounds, allowed).or_else(|| {
            let found = self.by_search(key, allowed);
            let index = found.or_else(|| self.by_search(key, is_eligible))?;
            let hold = bounds.map_or(Hold::None, |bounds| bounds.enter_anyway(index));
            Some((index, hold))
        })?;
        let endpoint = self.endpoints.as_slice().get(index)?.clone();
        Some(Pick::new(endpoint, hold))
    }

    /// The endpoint for `key` that is `allowed` and has room, and a place there.
    fn enter(
        &self,
        key: u64,
        bounds: Option<&Bounds<'_>>,
        allowed: impl Fn(usize) -> bool,
    ) -> Option<(usize, Hold)> {
        loop {
            let has_room = |index| bounds.is_none_or(|bounds| bounds.has_room(index));
            let may_take = |index| allowed(index) && has_room(index);
            let found = self.by_hashing(key, may_take);
            let index = found.or_else(|| self.by_search(key, may_take))?;
            let Some(bounds) = bounds else {
                return Some((index, Hold::None));
            };
            // If others were faster, it has no room any more.
            if let Some(hold) = bounds.enter(index) {
                return Some((index, hold));
            }
        }
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

fn loads(
    bound: Option<LoadBound>,
    endpoints: &EndpointSet,
    before: Option<&Hashed>,
) -> Option<Loads> {
    let before = before.and_then(|before| Some((&before.endpoints, before.loads.as_ref()?)));
    bound.map(|bound| Loads::new(bound, endpoints, before))
}

/// How often a key is hashed before all endpoints are looked at.
const ATTEMPTS: u64 = 32;
