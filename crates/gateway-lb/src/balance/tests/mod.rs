use std::collections::{HashMap, HashSet};
use std::sync::Barrier;
use std::thread;

use proptest::collection::{btree_set, vec};
use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

use super::*;
use crate::percent::Percent;

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RoundRobin,
    Algorithm::LeastRequest,
    Algorithm::WeightedRoundRobin,
    Algorithm::Random,
    Algorithm::PeakEwma(PeakEwma::new()),
    RING,
    MAGLEV,
    Algorithm::RingHash(RingHash::new().with_bound(BOUND)),
    Algorithm::Maglev(Maglev::new().with_bound(BOUND)),
];
const RING: Algorithm = Algorithm::RingHash(RingHash::new());
const MAGLEV: Algorithm = Algorithm::Maglev(Maglev::new());
const BOUND: LoadBound = LoadBound::new(Percent::new(25));

mod changes;
// These need the clock that can be paused.
#[cfg(feature = "pool")]
mod shares;
#[cfg(feature = "pool")]
mod slow_start;

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 8080))
}

fn endpoints(last: impl IntoIterator<Item = u8>) -> EndpointSet {
    last.into_iter().map(address).collect()
}

fn balancer(algorithm: Algorithm, last: impl IntoIterator<Item = u8>) -> Balancer {
    Balancer::new(algorithm, endpoints(last))
}

fn picked(balancer: &Balancer) -> SocketAddr {
    balancer.pick().expect("there are endpoints").address()
}

/// How many picks of `held` are of each address.
fn count(held: &[Pick]) -> HashMap<SocketAddr, usize> {
    let mut counts = HashMap::new();
    for pick in held {
        *counts.entry(pick.address()).or_default() += 1;
    }
    counts
}

#[test]
fn balancers_and_picks_can_be_shared_between_threads() {
    fn assert<T: Send + Sync + 'static>() {}

    assert::<Balancer>();
    assert::<Pick>();
    assert::<Algorithm>();
    assert::<NoReadyEndpoint>();
}

#[test]
fn balancer_that_was_never_asked_is_small() {
    assert!(size_of::<Balancer>() <= 64);
}

#[test]
fn empty_set_has_no_ready_endpoint() {
    for algorithm in ALGORITHMS {
        let balancer = balancer(algorithm, []);

        assert_eq!(balancer.pick().err(), Some(NoReadyEndpoint));
        assert_eq!(
            balancer.pick_avoiding(&[address(1)]).err(),
            Some(NoReadyEndpoint)
        );
    }
}

#[test]
fn only_endpoint_is_always_picked_even_if_it_should_be_avoided() {
    for algorithm in ALGORITHMS {
        let balancer = balancer(algorithm, [1]);

        for _ in 0..3 {
            assert_eq!(picked(&balancer), address(1));
            assert_eq!(
                balancer
                    .pick_avoiding(&[address(1)])
                    .map(|pick| pick.address()),
                Ok(address(1))
            );
        }
    }
}

#[test]
fn balancer_tells_what_it_was_given() {
    for algorithm in ALGORITHMS {
        let balancer = balancer(algorithm, [2, 1]);
        assert_eq!(balancer.algorithm(), algorithm);
        assert_eq!(balancer.endpoints(), endpoints([1, 2]));

        balancer.update(endpoints([3]));

        assert_eq!(balancer.endpoints(), endpoints([3]));
    }
}

#[test]
fn rotation_is_the_default() {
    assert_eq!(Algorithm::default(), Algorithm::RoundRobin);
}

#[test]
fn threads_start_at_different_endpoints() {
    let balancer = balancer(Algorithm::RoundRobin, 0..100);
    let all_have_picked = Barrier::new(8);

    let first: HashSet<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let first = picked(&balancer);
                    // A thread that ended would leave its rotation to the next.
                    all_have_picked.wait();
                    first
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });

    assert_eq!(first.len(), 8);
}

#[test]
fn rotation_goes_on_where_all_are_to_be_avoided() {
    let balancer = balancer(Algorithm::RoundRobin, [1, 2]);
    let avoid = [address(1), address(2)];

    let picked: HashSet<_> = (0..2)
        .map(|_| balancer.pick_avoiding(&avoid).map(|pick| pick.address()))
        .collect();

    assert_eq!(picked, HashSet::from([Ok(address(1)), Ok(address(2))]));
}

#[test]
fn threads_count_for_themselves() {
    let balancer = balancer(Algorithm::LeastRequest, [1, 2]);
    let _held: Vec<_> = (0..10)
        .map(|_| balancer.pick_avoiding(&[address(1)]))
        .collect();

    let other_thread = thread::scope(|scope| {
        let picks = scope.spawn(|| [balancer.pick(), balancer.pick()]);
        picks.join().expect("no panic")
    });

    // This thread knows that the second is busy; the other one has nothing in flight.
    assert_eq!(picked(&balancer), address(1));
    let addresses = other_thread.map(|pick| pick.map(|pick| pick.address()));
    assert!(addresses.contains(&Ok(address(1))));
    assert!(addresses.contains(&Ok(address(2))));
}

#[test]
fn pick_dropped_on_another_thread_is_released() {
    let balancer = balancer(Algorithm::LeastRequest, [1, 2]);
    let busy = balancer
        .pick_avoiding(&[address(2)])
        .expect("there are endpoints");
    assert_eq!(picked(&balancer), address(2));

    let other = balancer
        .pick_avoiding(&[address(1)])
        .expect("there are endpoints");
    thread::spawn(move || drop(busy)).join().expect("no panic");

    assert_eq!(picked(&balancer), address(1));
    drop(other);
}

#[test]
fn requests_to_an_only_endpoint_count_when_another_joins() {
    let balancer = balancer(Algorithm::LeastRequest, [1]);
    let _busy = balancer.pick().expect("there are endpoints");

    balancer.update(endpoints([1, 2]));

    for _ in 0..20 {
        assert_eq!(picked(&balancer), address(2));
    }
}

#[test]
fn pick_outlives_its_endpoint_and_its_balancer() {
    for algorithm in ALGORITHMS {
        let balancer = balancer(algorithm, [1]);
        let pick = balancer.pick().expect("there are endpoints");

        balancer.update(endpoints([2]));
        assert_eq!(picked(&balancer), address(2));
        drop(balancer);

        assert_eq!(pick.address(), address(1));
    }
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    // Tables as long as those in use take too long to make for so many cases.
    let short = |algorithm| match algorithm {
        Algorithm::Maglev(maglev) => Algorithm::Maglev(maglev.with_slots(101)),
        Algorithm::RingHash(ring) => Algorithm::RingHash(ring.with_points(10)),
        other => other,
    };
    select(&ALGORITHMS[..]).prop_map(short)
}

#[derive(Clone, Debug)]
enum Event {
    Pick,
    Drop(usize),
    Update(EndpointSet),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let sets = btree_set(0..6_u8, 2..6).prop_map(endpoints);
    let event = prop_oneof![
        6 => Just(Event::Pick),
        3 => (0..100_usize).prop_map(Event::Drop),
        1 => sets.prop_map(Event::Update),
    ];
    vec(event, 0..100)
}

proptest! {
    /// In any whole number of rounds each endpoint has as many turns as any other.
    #[test]
    fn rounds_are_equal(len in 1..20_u8, rounds in 0..5_usize, before in 0..20_usize) {
        let balancer = balancer(Algorithm::RoundRobin, 0..len);
        for _ in 0..before {
            picked(&balancer);
        }

        let picks: Vec<_> = (0..rounds * usize::from(len)).filter_map(|_| balancer.pick().ok()).collect();

        let counts = count(&picks);
        for last in 0..len {
            prop_assert_eq!(counts.get(&address(last)).copied().unwrap_or(0), rounds);
        }
    }

    /// Whatever happens to the others, of two endpoints that stay none has two turns more.
    #[test]
    fn changes_do_not_disturb_the_turns_of_those_that_stay(
        sets in vec((btree_set(0..9_u8, 0..8), 0..5_usize), 0..20),
    ) {
        const STAYING: [u8; 2] = [3, 6];
        let balancer = balancer(Algorithm::RoundRobin, STAYING);
        let mut lead = 0_i32;

        for (others, picks) in sets {
            balancer.update(endpoints(others.into_iter().chain(STAYING)));
            for _ in 0..picks {
                let picked = picked(&balancer);
                lead += i32::from(picked == address(3)) - i32::from(picked == address(6));
                prop_assert!(lead.abs() <= 1);
            }
        }
    }

    /// Only endpoints of the set are picked, from the moment it has changed.
    #[test]
    fn only_members_are_picked(
        algorithm in algorithms(),
        sets in vec((btree_set(0..9_u8, 0..5), 0..5_usize), 0..20),
    ) {
        let balancer = balancer(algorithm, 0..9);

        for (members, picks) in sets {
            let set = endpoints(members);
            balancer.update(set.clone());
            for _ in 0..picks {
                let pick = balancer.pick();
                prop_assert_eq!(pick.is_err(), set.is_empty());
                prop_assert!(pick.is_err() || pick.is_ok_and(|pick| set.contains(pick.address())));
            }
        }
    }

    /// What is to be avoided is picked only if there is nothing else.
    #[test]
    fn others_are_preferred_to_those_avoided(
        algorithm in algorithms(),
        members in btree_set(0..9_u8, 1..6),
        avoid in vec(0..9_u8, 0..9),
    ) {
        let balancer = balancer(algorithm, members.iter().copied());
        let avoid: Vec<_> = avoid.into_iter().map(address).collect();
        let others = members.iter().any(|last| !avoid.contains(&address(*last)));

        for _ in 0..10 {
            let pick = balancer.pick_avoiding(&avoid).expect("there are endpoints");
            prop_assert!(members.iter().any(|last| address(*last) == pick.address()));
            prop_assert_eq!(!avoid.contains(&pick.address()), others);
        }
    }

    /// A model of the counts: the busiest endpoint is not picked if it is alone in that, whatever
    /// was picked, dropped and replaced before.
    #[test]
    fn counts_follow_picks_drops_and_changes(events in events()) {
        let mut set = endpoints([0, 1]);
        let balancer = Balancer::new(Algorithm::LeastRequest, set.clone());
        let mut held: Vec<Pick> = Vec::new();

        for event in events {
            match event {
                Event::Pick => {
                    let counts = count(&held);
                    let load = |endpoint: &Endpoint| counts.get(&endpoint.address()).copied().unwrap_or(0);

                    let pick = balancer.pick().expect("there are endpoints");

                    let as_busy = set.iter().filter(|endpoint| load(endpoint) >= load(&pick)).count();
                    prop_assert!(as_busy >= 2, "{pick:?} of {counts:?}");
                    held.push(pick);
                }
                Event::Drop(_) if held.is_empty() => {}
                Event::Drop(index) => drop(held.swap_remove(index % held.len())),
                Event::Update(next) => {
                    balancer.update(next.clone());
                    // The counts follow with the next pick of this thread; those of endpoints
                    // that leave are forgotten, so the model lets go of them too.
                    drop(balancer.pick());
                    held.retain(|pick| next.contains(pick.address()));
                    set = next;
                }
            }
        }
    }
}
