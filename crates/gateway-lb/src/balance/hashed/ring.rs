//! A ring of hashes (Karger and others, 1997), with weights.

use crate::endpoint::EndpointSet;
use crate::stable_hash;

/// The points of the ring in their order, each with the place of its endpoint in the set.
pub(super) fn ring(endpoints: &EndpointSet, points: u16) -> Box<[(u64, u32)]> {
    let heaviest = endpoints
        .iter()
        .map(|e| u64::from(e.weight()))
        .max()
        .unwrap_or(0);
    let unit = u64::from(points);
    // What the heaviest gets; it alone decides, so that those that leave do not move the points
    // of others as long as it stays.
    let most = (heaviest * unit).min(unit.max(MOST_POINTS));

    let mut ring: Vec<_> = (0..)
        .zip(endpoints)
        .flat_map(|(index, endpoint)| {
            let weight = u64::from(endpoint.weight());
            // An endpoint of any weight has a point, however small its share of the ring is.
            let points = (weight * most)
                .checked_div(heaviest)
                .unwrap_or(0)
                .max(weight.min(1));
            let address = endpoint.address();
            (0..points).map(move |point| (stable_hash::of_address(address, point), index))
        })
        .collect();
    ring.sort_unstable();
    ring.into()
}

/// The endpoint whose point is the first at or after `key`.
pub(super) fn next(ring: &[(u64, u32)], key: u64) -> Option<u32> {
    let at = ring.partition_point(|(point, _)| *point < key);
    ring.get(at).or(ring.first()).map(|(_, index)| *index)
}

const MOST_POINTS: u64 = 10_000;
