//! Endpoints that have just come.

use tokio::time::{Duration, advance};

use super::*;
use crate::health::HealthSettings;

const WINDOW: Duration = Duration::from_secs(100);

/// How many of 1000 picks `last` gets.
fn gets(balancer: &Balancer, last: u8) -> usize {
    (0..1000)
        .filter(|_| picked(balancer) == address(last))
        .count()
}

#[tokio::test(start_paused = true)]
async fn share_of_a_new_endpoint_grows_to_its_own() {
    for algorithm in [
        Algorithm::RoundRobin,
        Algorithm::WeightedRoundRobin,
        Algorithm::Random,
    ] {
        fastrand::seed(7);
        let balancer = balancer(algorithm, [0, 1, 2]).with_slow_start(SlowStart::new(WINDOW));
        assert!(gets(&balancer, 2) > 280, "all were new");

        balancer.update(endpoints([0, 1, 2, 3]));
        let at_once = gets(&balancer, 3);
        advance(WINDOW / 2).await;
        let half_way = gets(&balancer, 3);
        advance(WINDOW / 2).await;
        let after = gets(&balancer, 3);

        assert!((5..70).contains(&at_once), "{algorithm:?}: {at_once}");
        assert!((100..190).contains(&half_way), "{algorithm:?}: {half_way}");
        assert!((200..300).contains(&after), "{algorithm:?}: {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn endpoint_that_is_healthy_again_starts_slowly_too() {
    fastrand::seed(7);
    let health = Health::new(HealthSettings::new().with_rise(1).with_fall(1));
    let balancer = balancer(Algorithm::RoundRobin, [0, 1])
        .with_slow_start(SlowStart::new(WINDOW))
        .with_health(health.clone());

    health.checked(address(1), false);
    assert_eq!(gets(&balancer, 1), 0);
    health.checked(address(1), true);

    assert!((20..200).contains(&gets(&balancer, 1)));
    advance(WINDOW).await;
    assert_eq!(gets(&balancer, 1), 500);
}

#[tokio::test(start_paused = true)]
async fn set_of_which_all_are_new_starts_at_once() {
    let balancer = balancer(Algorithm::RoundRobin, []).with_slow_start(SlowStart::new(WINDOW));

    balancer.update(endpoints([0, 1]));

    assert_eq!(gets(&balancer, 1), 500);
}
