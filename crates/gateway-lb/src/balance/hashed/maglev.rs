//! The table of Maglev (Eisenbud and others, NSDI 2016, section 3.4), with weights.

use crate::endpoint::EndpointSet;
use crate::stable_hash;

/// For each slot the place of its endpoint in the set; empty if no endpoint has a weight.
///
/// Every endpoint prefers the slots in an order of its own, and all take turns in taking the
/// slot they like best among those that are left; a lighter one passes some of its turns.
pub(super) fn table(endpoints: &EndpointSet, slots: u32) -> Box<[u32]> {
    let heaviest = endpoints
        .iter()
        .map(|e| u64::from(e.weight()))
        .max()
        .unwrap_or(0);
    if heaviest == 0 {
        return Box::default();
    }
    let mut takers: Vec<_> = (0..)
        .zip(endpoints)
        .filter(|(_, endpoint)| endpoint.weight() > 0)
        .map(|(index, endpoint)| Taker {
            index,
            weight: u64::from(endpoint.weight()),
            earned: 0,
            offset: stable_hash::of_address(endpoint.address(), OFFSET) % u64::from(slots),
            skip: stable_hash::of_address(endpoint.address(), SKIP) % u64::from(slots - 1) + 1,
        })
        .collect();

    let mut table = vec![FREE; slots as usize];
    let mut left = slots;
    while left > 0 {
        for taker in &mut takers {
            taker.earned += taker.weight;
            if taker.earned < heaviest {
                continue;
            }
            taker.earned -= heaviest;
            taker.take(&mut table);
            left -= 1;
            if left == 0 {
                break;
            }
        }
    }
    table.into()
}

struct Taker {
    index: u32,
    weight: u64,
    /// Grows by the weight with every round; a turn costs the greatest weight.
    earned: u64,
    offset: u64,
    skip: u64,
}

impl Taker {
    /// Takes the next slot in its order that is free. There has to be one.
    fn take(&mut self, table: &mut [u32]) {
        let slots = table.len() as u64;
        // The number of slots is prime, so the steps visit each of them.
        loop {
            let slot = &mut table[self.offset as usize];
            self.offset = (self.offset + self.skip) % slots;
            if *slot == FREE {
                *slot = self.index;
                return;
            }
        }
    }
}

const FREE: u32 = u32::MAX;
const OFFSET: u64 = 0;
const SKIP: u64 = 1;
