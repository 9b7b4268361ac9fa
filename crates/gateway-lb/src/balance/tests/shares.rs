//! Who gets how much.

use proptest::prelude::{ProptestConfig, any};
use tokio::time::{Duration, advance};

use super::*;

/// A balancer of endpoints with these weights.
fn weighted(algorithm: Algorithm, weights: &[u32]) -> Balancer {
    let endpoint = |(last, weight): (u8, &u32)| Endpoint::new(address(last)).with_weight(*weight);
    Balancer::new(algorithm, (0..).zip(weights).map(endpoint).collect())
}

/// How many of `picks`, one after the other, each endpoint gets.
fn shares(balancer: &Balancer, endpoints: usize, picks: usize) -> Vec<usize> {
    let mut shares = vec![0; endpoints];
    for _ in 0..picks {
        let SocketAddr::V4(address) = picked(balancer) else {
            unreachable!("all are IPv4")
        };
        shares[usize::from(address.ip().octets()[3])] += 1;
    }
    shares
}

/// Whether `count` of `picks` is within 3 sigma of a share, and a little for rounding.
fn is_near(count: usize, picks: usize, share: f64) -> bool {
    let sigma = (picks as f64 * share * (1.0 - share)).sqrt();
    (count as f64 - picks as f64 * share).abs() <= 3.0 * sigma + 1.0
}

#[test]
fn random_shares_are_within_three_sigma_of_the_weights() {
    fastrand::seed(1);
    let shares = shares(&weighted(Algorithm::Random, &[1, 2, 3, 4]), 4, 10_000);

    for (weight, share) in (1_u32..).zip(&shares) {
        assert!(
            is_near(*share, 10_000, f64::from(weight) / 10.0),
            "{shares:?}"
        );
    }
}

#[test]
fn hashed_shares_are_near_the_weights() {
    for algorithm in [RING, MAGLEV] {
        let shares = shares(&weighted(algorithm, &[1, 2, 3, 4]), 4, 10_000);

        // The ring of so many points is off by some percent of a share.
        for (weight, share) in (1_usize..).zip(&shares) {
            assert!(
                share.abs_diff(weight * 1000) < weight * 200,
                "{algorithm:?}: {shares:?}"
            );
        }
    }
}

#[test]
fn least_requests_in_flight_go_by_weight() {
    let balancer = weighted(Algorithm::LeastRequest, &[1, 3]);

    let held: Vec<_> = (0..100).filter_map(|_| balancer.pick().ok()).collect();

    assert_eq!(count(&held)[&address(0)], 25);
}

#[tokio::test(start_paused = true)]
async fn slow_endpoint_gets_clearly_less() {
    let balancer = balancer(Algorithm::PeakEwma(PeakEwma::new()), [0, 1]);
    let mut slow = 0;

    for _ in 0..200 {
        let mut pick = balancer.pick().expect("there are endpoints");
        let is_slow = pick.address() == address(0);
        slow += usize::from(is_slow);
        advance(Duration::from_millis(if is_slow { 300 } else { 10 })).await;
        pick.answered(Outcome::Success);
    }

    assert!(slow < 20, "{slow}");
}

#[tokio::test(start_paused = true)]
async fn endpoint_that_fails_fast_does_not_draw_requests() {
    let balancer = balancer(Algorithm::PeakEwma(PeakEwma::new()), [0, 1]);
    let mut failing = 0;

    for _ in 0..200 {
        let mut pick = balancer.pick().expect("there are endpoints");
        let fails = pick.address() == address(0);
        failing += usize::from(fails);
        advance(Duration::from_millis(if fails { 1 } else { 50 })).await;
        pick.answered(if fails {
            Outcome::Failure
        } else {
            Outcome::Success
        });
    }

    assert!(failing < 5, "{failing}");
}

#[tokio::test(start_paused = true)]
async fn request_that_nobody_waits_for_any_more_speaks_against_its_endpoint() {
    let balancer = balancer(Algorithm::PeakEwma(PeakEwma::new()), [0, 1]);
    let stuck = balancer
        .pick_avoiding(&[address(1)])
        .expect("there are endpoints");

    advance(Duration::from_secs(2)).await;
    drop(stuck);

    assert_eq!(picked(&balancer), address(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// By weight in turn, nobody is ever more than two picks away from its share.
    #[test]
    fn weighted_turns_are_exact(weights in vec(1..20_u32, 1..8), picks in 0..300_usize) {
        let balancer = weighted(Algorithm::WeightedRoundRobin, &weights);
        let total: u32 = weights.iter().sum();

        let shares = shares(&balancer, weights.len(), picks);

        for (weight, share) in weights.iter().zip(&shares) {
            let exact = picks as f64 * f64::from(*weight) / f64::from(total);
            prop_assert!((*share as f64 - exact).abs() <= 2.0, "{shares:?} of {weights:?}");
        }
    }

    /// A key has one endpoint, on every balancer with the same set.
    #[test]
    fn key_has_one_endpoint(key in any::<u64>(), len in 1..30_u8) {
        for algorithm in [RING, Algorithm::Maglev(Maglev::new().with_slots(1009))] {
            let one = balancer(algorithm, 0..len).pick_keyed(key).map(|pick| pick.address());
            let other = balancer(algorithm, 0..len).pick_keyed(key).map(|pick| pick.address());

            prop_assert_eq!(one, other);
        }
    }

    /// No weight, no picks; whatever the algorithm.
    #[test]
    fn weight_of_zero_gets_nothing(algorithm in algorithms(), weights in vec(0..3_u32, 1..6)) {
        let balancer = weighted(algorithm, &weights);

        for _ in 0..20 {
            match balancer.pick() {
                Ok(pick) => prop_assert!(pick.weight() > 0),
                Err(NoReadyEndpoint) => prop_assert!(weights.iter().all(|weight| *weight == 0)),
            }
        }
    }
}
