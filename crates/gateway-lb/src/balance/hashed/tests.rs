use std::collections::HashMap;
use std::net::SocketAddr;

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::endpoint::Endpoint;

fn endpoints(weights: &[u32]) -> EndpointSet {
    let address = |last| SocketAddr::from(([10, 0, 0, last], 80));
    let endpoint = |(last, weight): (u8, &u32)| Endpoint::new(address(last)).with_weight(*weight);
    (0..).zip(weights).map(endpoint).collect()
}

/// These places are a promise: replicas of different releases have to agree.
#[test]
fn places_are_the_same_in_every_release() {
    let set = endpoints(&[1; 10]);
    let eligible = [true; 10];
    let keys = [0, 1, u64::MAX / 3, u64::MAX];
    let places = |hashed: Hashed| {
        keys.map(|key| {
            hashed
                .pick(key, &eligible, &[])
                .map_or(0, |pick| u64::from(ending(&pick)))
        })
    };

    let maglev = places(Hashed::maglev(Maglev::new(), set.clone(), None));
    let ring = places(Hashed::ring(RingHash::new(), set, None));

    assert_eq!((maglev, ring), ([5, 3, 7, 0], [2, 8, 4, 6]));
}

fn ending(endpoint: &Endpoint) -> u8 {
    match endpoint.address() {
        SocketAddr::V4(address) => address.ip().octets()[3],
        SocketAddr::V6(_) => 0,
    }
}

#[test]
fn nothing_with_a_weight_has_an_empty_table() {
    for set in [endpoints(&[]), endpoints(&[0, 0])] {
        assert!(maglev::table(&set, 101).is_empty());
        assert!(ring::ring(&set, 10).is_empty());
    }
}

#[test]
fn large_weights_do_not_make_a_large_ring() {
    let ring = ring::ring(&endpoints(&[1, 1_000_000]), 160);

    assert_eq!(ring.len(), 10_001);
}

proptest! {
    // Tables take a while to make in a build that is not optimised.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every slot belongs to an endpoint with a weight, and each has its share of them to
    /// within a round.
    #[test]
    fn table_is_shared_out_by_weight(weights in vec(0..10_u32, 1..10)) {
        let total: u32 = weights.iter().sum();
        let mut counts = HashMap::new();

        let table = maglev::table(&endpoints(&weights), 1009);
        for index in &table {
            *counts.entry(*index as usize).or_insert(0_u32) += 1;
        }

        prop_assert_eq!(table.len(), if total == 0 { 0 } else { 1009 });
        for (index, weight) in weights.iter().enumerate() {
            let share = 1009.0 * f64::from(*weight) / f64::from(total.max(1));
            let count = counts.get(&index).copied().unwrap_or(0);
            prop_assert!((f64::from(count) - share).abs() < 12.0);
            prop_assert_eq!(count == 0, *weight == 0);
        }
    }

    /// A ring is sorted, and each endpoint has points by weight, one at least if it has any.
    #[test]
    fn ring_is_sorted_and_has_points_by_weight(weights in vec(0..200_u32, 1..5), points in 1..20_u16) {
        let ring = ring::ring(&endpoints(&weights), points);

        prop_assert!(ring.is_sorted());
        for (index, weight) in (0..).zip(&weights) {
            let has_points = ring.iter().any(|(_, of)| *of == index);
            prop_assert_eq!(has_points, *weight > 0);
        }
    }
}
