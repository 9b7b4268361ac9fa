use std::collections::{HashMap, HashSet};
use std::thread;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;

#[test]
fn distributions_can_be_shared_between_threads() {
    fn assert<T: Send + Sync + 'static>() {}

    assert::<Distribution<String>>();
}

#[test]
fn nothing_to_choose_from_chooses_nothing() {
    let empty = Distribution::<&str>::from_iter([]);
    let zeros = Distribution::from_iter([("a", 0), ("b", 0)]);

    for none in [empty, zeros] {
        assert!(none.is_empty());
        assert_eq!(none.choose(), None);
        assert_eq!(none.choose_with(0), None);
        assert_eq!(none.choose_with(u64::MAX), None);
    }
}

#[test]
fn only_backend_is_always_chosen() {
    let single = Distribution::from_iter([("none", 0), ("all", 1_000_000), ("none either", 0)]);

    assert_eq!(single.len(), 1);
    for random in [0, 1, u64::MAX / 2, u64::MAX] {
        assert_eq!(single.choose(), Some(&"all"));
        assert_eq!(single.choose_with(random), Some(&"all"));
    }
}

#[test]
fn equal_weights_alternate() {
    let pair = Distribution::from_iter([(0, 500), (1, 500)]);

    let first = pair.choose().copied();
    let second = pair.choose().copied();

    assert_ne!(first, second);
    for _ in 0..100 {
        assert_eq!(pair.choose().copied(), first);
        assert_eq!(pair.choose().copied(), second);
    }
}

#[test]
fn minority_is_never_chosen_twice_in_a_row() {
    let split = Distribution::from_iter([("many", 70), ("few", 30)]);

    let chosen: Vec<_> = (0..500).filter_map(|_| split.choose()).collect();

    assert!(chosen.windows(2).all(|pair| pair != [&"few", &"few"]));
}

#[test]
fn sequences_start_at_random_points() {
    let firsts: HashSet<_> = (0..64)
        .filter_map(|_| {
            Distribution::from_iter([("a", 1), ("b", 1)])
                .choose()
                .copied()
        })
        .collect();

    assert_eq!(firsts.len(), 2);
}

#[test]
fn threads_together_keep_the_shares() {
    let split = Distribution::from_iter([("many", 70), ("few", 30), ("none", 0)]);

    let few: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|_| scope.spawn(|| (0..50).filter(|_| split.choose() == Some(&"few")).count()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    });

    assert_eq!(few, 150);
}

#[test]
fn weights_are_told_in_the_order_given() {
    let split = Distribution::from_iter([("b", 20), ("zero", 0), ("a", 40)]);

    assert!(split.iter().eq([(&"b", 20), (&"a", 40)]));
}

fn weights() -> impl Strategy<Value = Vec<u32>> {
    let weight = prop_oneof![0..=3_u32, 0..=100_u32, 0..=1_000_000_u32, any::<u32>()];
    vec(weight, 1..16)
}

fn small_weights() -> impl Strategy<Value = Vec<u32>> {
    vec(0..=20_u32, 1..8)
}

fn distribution(weights: &[u32]) -> Distribution<usize> {
    weights.iter().copied().enumerate().collect()
}

/// How often each backend is chosen in `count` choices.
fn choices(distribution: &Distribution<usize>, count: usize) -> HashMap<usize, u64> {
    let mut choices = HashMap::new();
    for _ in 0..count {
        if let Some(chosen) = distribution.choose() {
            *choices.entry(*chosen).or_default() += 1;
        }
    }
    choices
}

proptest! {
    /// A backend without a weight is never chosen, whatever the others weigh.
    #[test]
    fn zero_weight_is_never_chosen(weights in weights(), random in any::<u64>()) {
        let distribution = distribution(&weights);

        prop_assert_eq!(distribution.is_empty(), weights.iter().all(|weight| *weight == 0));
        for chosen in [distribution.choose(), distribution.choose_with(random)] {
            prop_assert_eq!(chosen.is_none(), distribution.is_empty());
            prop_assert!(chosen.is_none_or(|chosen| weights[*chosen] > 0));
        }
    }

    /// After as many choices as the sum of the weights, each backend has had exactly its weight.
    #[test]
    fn round_is_exact(weights in small_weights(), before in 0..50_usize) {
        let distribution = distribution(&weights);
        let sum: u32 = weights.iter().sum();

        // A round may begin anywhere.
        choices(&distribution, before);
        let choices = choices(&distribution, sum as usize);

        for (backend, weight) in weights.iter().enumerate() {
            prop_assert_eq!(choices.get(&backend).copied().unwrap_or(0), u64::from(*weight));
        }
    }

    /// At any moment each backend is within a few choices of its share.
    #[test]
    fn share_is_kept_at_any_moment(weights in weights(), count in 0..2_000_usize) {
        let distribution = distribution(&weights);
        let sum: u64 = weights.iter().copied().map(u64::from).sum();

        let choices = choices(&distribution, count);

        for (backend, weight) in weights.iter().enumerate() {
            let expected = count as f64 * f64::from(*weight) / (sum.max(1) as f64);
            let chosen = choices.get(&backend).copied().unwrap_or(0) as f64;
            prop_assert!((chosen - expected).abs() <= 5.0, "{chosen} of {expected}");
        }
    }

    /// A given number falls on each backend in proportion, the first numbers on the first backend.
    #[test]
    fn numbers_fall_on_backends_in_proportion(weights in weights(), random in any::<u64>()) {
        let distribution = distribution(&weights);
        let sum: u128 = weights.iter().copied().map(u128::from).sum();

        let chosen = distribution.choose_with(random).copied();

        if let Some(chosen) = chosen {
            let before: u128 = weights[..chosen].iter().copied().map(u128::from).sum();
            let point = (u128::from(random) * sum) >> 64;
            prop_assert!(before <= point);
            prop_assert!(point < before + u128::from(weights[chosen]));
        }
    }
}
