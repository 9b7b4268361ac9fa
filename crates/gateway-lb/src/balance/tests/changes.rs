//! What happens when endpoints come, go and fail.

use proptest::prelude::ProptestConfig;

use super::*;
use crate::endpoint::Zone;
use crate::health::HealthSettings;

/// A health that a single check changes.
fn touchy() -> Health {
    Health::new(HealthSettings::new().with_rise(1).with_fall(1))
}

#[test]
fn added_endpoint_gets_traffic_at_once() {
    for algorithm in ALGORITHMS {
        let balancer = balancer(algorithm, 0..3);
        for _ in 0..10 {
            picked(&balancer);
        }

        balancer.update(endpoints(0..4));

        let gets_some = (0..500).any(|_| picked(&balancer) == address(3));
        assert!(gets_some, "{algorithm:?}");
    }
}

#[test]
fn flapping_endpoints_lose_no_pick_while_one_is_up() {
    for algorithm in ALGORITHMS {
        let health = touchy();
        let balancer = balancer(algorithm, 0..100).with_health(health.clone());

        for round in 0..40_u8 {
            let up = (u32::from(round) * 7 % 100) as u8;
            for last in 0..100 {
                health.checked(
                    address(last),
                    last == up || (round % 3 == 0 && last % 2 == 0),
                );
            }
            let pick = balancer.pick().expect("one is up");
            assert_eq!(
                health.is_healthy(pick.address()),
                Some(true),
                "{algorithm:?}"
            );
        }
    }
}

#[test]
fn unhealthy_endpoint_keeps_its_requests_and_gets_no_new_ones() {
    for algorithm in ALGORITHMS {
        let health = touchy();
        let balancer = balancer(algorithm, [1, 2]).with_health(health.clone());
        let in_flight = balancer.pick_avoiding(&[address(2)]).expect("one is up");

        health.checked(address(1), false);

        assert_eq!(in_flight.address(), address(1));
        assert!(
            (0..20).all(|_| picked(&balancer) == address(2)),
            "{algorithm:?}"
        );
        health.checked(address(2), false);
        assert_eq!(balancer.pick().err(), Some(NoReadyEndpoint));
        health.checked(address(1), true);
        assert_eq!(picked(&balancer), address(1));
    }
}

#[test]
fn health_is_shared_by_balancers() {
    let health = touchy();
    let one = balancer(Algorithm::RoundRobin, [1, 2]).with_health(health.clone());
    let other = balancer(Algorithm::Random, [1, 3]).with_health(health.clone());

    health.checked(address(1), false);

    assert_eq!(one.ready_endpoints(), endpoints([2]));
    assert_eq!(other.ready_endpoints(), endpoints([3]));
    assert_eq!(one.endpoints(), endpoints([1, 2]));
}

#[test]
fn keys_of_others_do_not_move_when_an_endpoint_fails_and_all_return_with_it() {
    for algorithm in [RING, MAGLEV] {
        let health = touchy();
        let balancer = balancer(algorithm, 0..10).with_health(health.clone());
        let places = || -> Vec<_> {
            let place = |key| {
                balancer
                    .pick_keyed(u64::wrapping_mul(key, GOLDEN))
                    .expect("some are up")
                    .address()
            };
            (0..1000).map(place).collect()
        };
        let before = places();

        health.checked(address(3), false);
        let during = places();
        health.checked(address(3), true);

        for (before, during) in before.iter().zip(&during) {
            assert!(before == during || *before == address(3));
            assert_ne!(*during, address(3));
        }
        assert_eq!(places(), before);
    }
}

#[test]
fn removing_one_of_ten_moves_about_a_tenth_of_the_keys() {
    for algorithm in [RING, MAGLEV] {
        let ten = balancer(algorithm, 0..10);
        let nine = balancer(algorithm, (0..10).filter(|last| *last != 4));

        let moved = (0..10_000_u64)
            .map(|key| key.wrapping_mul(GOLDEN))
            .filter(|key| {
                let place =
                    |balancer: &Balancer| balancer.pick_keyed(*key).map(|pick| pick.address());
                place(&ten) != place(&nine)
            })
            .count();

        assert!((700..1400).contains(&moved), "{algorithm:?}: {moved}");
    }
}

#[test]
fn loads_stay_within_their_bound() {
    for algorithm in [
        Algorithm::RingHash(RingHash::new().with_bound(BOUND)),
        Algorithm::Maglev(Maglev::new().with_bound(BOUND)),
    ] {
        let balancer = balancer(algorithm, 0..10);

        let held: Vec<_> = (0..100)
            .filter_map(|_| balancer.pick_keyed(1).ok())
            .collect();

        assert!(
            count(&held).values().all(|load| *load <= 13),
            "{:?}",
            count(&held)
        );
        drop(held);
        let first = balancer.pick_keyed(1).map(|pick| pick.address());
        let again = balancer.pick_keyed(1).map(|pick| pick.address());
        assert_eq!(first, again);
    }
}

#[test]
fn loads_are_kept_when_the_set_changes() {
    let bounded = Algorithm::Maglev(Maglev::new().with_bound(BOUND));
    let balancer = balancer(bounded, 0..2);
    let held: Vec<_> = (0..20)
        .filter_map(|_| balancer.pick_keyed(1).ok())
        .collect();
    let busiest = count(&held).into_iter().max_by_key(|(_, load)| *load);
    let (busiest, load) = busiest.expect("some are held");
    assert_eq!(load, 13);

    balancer.update(endpoints(0..3));
    let more: Vec<_> = (0..4).filter_map(|_| balancer.pick().ok()).collect();

    // 24 in flight to three: none may have more than ten, so the busiest gets none of these.
    assert!(!count(&more).contains_key(&busiest));
}

#[test]
fn retries_of_a_key_go_elsewhere_and_always_to_the_same_place() {
    for algorithm in [RING, MAGLEV] {
        let balancer = balancer(algorithm, 0..5);
        let first = balancer.pick_keyed(7).expect("all are up").address();

        let second = || {
            balancer
                .pick_keyed_avoiding(7, &[first])
                .map(|pick| pick.address())
        };

        assert_ne!(second(), Ok(first));
        assert_eq!(second(), second());
    }
}

#[test]
fn no_change_is_lost_between_threads() {
    let health = touchy();
    let balancer = balancer(Algorithm::LeastRequest, 0..4).with_health(health.clone());

    thread::scope(|scope| {
        for thread in 0..3 {
            let (balancer, health) = (&balancer, &health);
            scope.spawn(move || {
                for round in 0..300_u32 {
                    // The first is always up.
                    health.checked(address(1 + thread), round % 2 == 0);
                    assert!(balancer.pick().is_ok());
                }
            });
        }
        for last in 4..100 {
            balancer.update(endpoints((0..4).chain([last])));
            assert!(balancer.endpoints().contains(address(last)));
        }
    });

    assert_eq!(balancer.endpoints(), endpoints((0..4).chain([99])));
    assert_eq!(balancer.ready_endpoints(), endpoints([0, 99]));
}

#[test]
fn zone_is_preferred_until_it_fails() {
    let (here, there) = (Zone::new("a"), Zone::new("b"));
    let set = (0..4)
        .map(|last| Endpoint::new(address(last)).with_zone(if last < 2 { here } else { there }));
    let health = touchy();
    let balancer = Balancer::new(Algorithm::RoundRobin, set.collect())
        .with_preference(Preference::new().with_zone(here, Percent::new(60)))
        .with_health(health.clone());
    assert!((0..10).all(|_| picked(&balancer) < address(2)));

    health.checked(address(0), false);

    let all: HashSet<_> = (0..10).map(|_| picked(&balancer)).collect();
    assert_eq!(all, HashSet::from([address(1), address(2), address(3)]));
}

#[test]
fn session_finds_its_endpoint_if_it_is_in_the_set_and_healthy() {
    let health = touchy();
    let draining = Endpoint::new(address(2)).with_weight(0);
    let set = EndpointSet::from_iter([Endpoint::new(address(1)), draining]);
    let balancer = Balancer::new(Algorithm::RoundRobin, set).with_health(health.clone());
    let at = |last| balancer.pick_at(address(last)).map(|pick| pick.address());

    assert_eq!(at(1), Some(address(1)));
    assert_eq!(at(2), Some(address(2)));
    assert_eq!(at(3), None);

    health.checked(address(1), false);
    assert_eq!(at(1), None);
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Where one endpoint leaves a ring, no key of another moves.
    #[test]
    fn few_keys_move_when_one_leaves(len in 3..12_u8, gone in 0..3_u8) {
        let all = balancer(RING, 0..len);
        let rest = balancer(RING, (0..len).filter(|last| *last != gone));

        for key in (0..200_u64).map(|key| key.wrapping_mul(GOLDEN)) {
            let before = all.pick_keyed(key).map(|pick| pick.address());
            let after = rest.pick_keyed(key).map(|pick| pick.address());
            prop_assert!(before == after || before == Ok(address(gone)));
        }
    }
}
