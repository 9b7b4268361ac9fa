use std::sync::Barrier;
use std::thread;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

/// How many of `tries` requests in each of 16 threads pass at one moment.
fn passed(limiter: &RateLimiter, tries: usize, user: impl Fn(usize) -> String + Sync) -> usize {
    let now = Instant::now().into_std();
    let start = Barrier::new(16);
    let work = |thread: usize| {
        start.wait();
        let passes = |_: &usize| {
            let decision = limiter.decide(&from(&user(thread)), now);
            matches!(decision, Decision::Pass(_))
        };
        (0..tries).filter(passes).count()
    };
    thread::scope(|scope| {
        let spawn = |thread| {
            scope.spawn({
                let work = &work;
                move || work(thread)
            })
        };
        let threads: Vec<_> = (0..16).map(spawn).collect();
        let passed = threads.into_iter().map(|thread| thread.join());
        passed.map(|count| count.expect("no panic")).sum()
    })
}

#[test]
fn exactly_the_limit_passes_on_16_threads() {
    for refill in [Refill::Continuous, Refill::Window] {
        let limiter = RateLimiter::new(limit(1_003, secs(1)).with_refill(refill));

        assert_eq!(passed(&limiter, 200, |_| "ann".into()), 1_003);
    }
}

#[test]
fn clock_of_another_century_lets_no_more_pass() {
    let century = Duration::from_secs(100 * 366 * 24 * 60 * 60);
    let now = Instant::now().into_std();
    for refill in [Refill::Continuous, Refill::Window] {
        for moment in [now + century, now + century * 7] {
            let settings = limit(2, secs(1)).with_refill(refill);
            let limiter = RateLimiter::new(settings.with_queue(1, Duration::MAX));

            let decisions = [(); 5].map(|()| limiter.decide(&get(), moment));

            let passes = decisions
                .iter()
                .filter(|one| matches!(one, Decision::Pass(_)));
            assert_eq!(passes.count(), 2);
        }
    }
}

#[test]
fn exactly_the_limit_of_each_key_passes_on_16_threads() {
    let settings = by_user(limit(50, secs(1)).with_burst(70).expect("valid"));
    let limiter = RateLimiter::new(settings);

    let passed = passed(&limiter, 100, |thread| format!("user {}", thread % 4));

    assert_eq!(passed, 4 * 70);
}

#[test]
fn settings_that_cannot_be_kept_are_refused() {
    let second = secs(1);

    assert_eq!(
        RateLimit::new(0, second),
        Err(InvalidRateLimit::Requests { requests: 0 })
    );
    assert!(RateLimit::new(1 << 24, second).is_err());
    assert!(RateLimit::new(1, Duration::from_micros(999)).is_err());
    assert!(RateLimit::new(1, secs(367 * 24 * 60 * 60)).is_err());
    assert!(limit(1, second).with_burst(0).is_err());
    assert_eq!(
        limit(1, secs(24 * 60 * 60)).with_burst(367),
        Err(InvalidRateLimit::Burst { burst: 367 })
    );
    assert_eq!(
        limit(1, second).with_max_keys(0),
        Err(InvalidRateLimit::NoKeys)
    );
}

#[test]
fn largest_settings_can_be_kept() {
    for refill in [Refill::Continuous, Refill::Window] {
        for settings in [
            limit(16_777_215, millis(1)),
            limit(16_777_215, secs(366 * 24 * 60 * 60)),
            limit(1, secs(1)).with_burst(16_777_215).expect("194 days"),
        ] {
            let limiter = RateLimiter::new(settings.with_refill(refill));

            let late = Instant::now() + secs(10 * 366 * 24 * 60 * 60);
            for now in [Instant::now(), late] {
                let Decision::Pass(standing) = limiter.decide(&get(), now.into_std()) else {
                    panic!("the first must pass");
                };
                assert!(standing.remaining >= limiter.settings().counting.quota.burst.min(2) - 1);
            }
        }
    }
}

#[test]
fn counts_are_kept_while_the_quota_is_the_same() {
    let now = Instant::now().into_std();
    let old = RateLimiter::new(limit(1, secs(60)));
    let first = old.decide(&get(), now);

    let answered = limit(1, secs(60)).with_answer(crate::Answer::new(503).expect("valid"));
    let same = old.with_settings(answered);
    let other = old.with_settings(limit(2, secs(60)));

    assert!(matches!(first, Decision::Pass(_)));
    assert!(matches!(same.decide(&get(), now), Decision::Refuse(_)));
    assert!(matches!(other.decide(&get(), now), Decision::Pass(_)));
    assert_eq!(same.settings().answer.status(), 503);
}

#[test]
fn request_without_a_key_is_counted_with_its_like_or_not_at_all() {
    let now = Instant::now().into_std();
    let shared = RateLimiter::new(by_user(limit(1, secs(60))));
    let pass = by_user(limit(1, secs(60))).with_missing_key(MissingKey::Pass);
    let pass = RateLimiter::new(pass);

    assert!(matches!(shared.decide(&get(), now), Decision::Pass(_)));
    assert!(matches!(shared.decide(&get(), now), Decision::Refuse(_)));
    assert!(matches!(
        shared.decide(&from("ann"), now),
        Decision::Pass(_)
    ));
    for _ in 0..3 {
        assert!(matches!(pass.decide(&get(), now), Decision::Uncounted));
    }
}

#[test]
fn flood_of_keys_gives_nobody_more() {
    let now = Instant::now().into_std();
    let settings = by_user(limit(5, secs(60))).with_max_keys(100);
    let limiter = RateLimiter::new(settings.expect("valid"));
    let try_ann = || matches!(limiter.decide(&from("ann"), now), Decision::Pass(_));
    let before = (0..10).filter(|_| try_ann()).count();

    for number in 0..10_000 {
        let _ = limiter.decide(&from(&number.to_string()), now);
    }

    assert_eq!(before, 5);
    assert!(!try_ann());
}

proptest! {
    /// Settings that exist let the first of a key pass, and say what is left of the burst.
    #[test]
    fn first_request_passes(
        requests in 1..1_u32 << 24,
        burst in 1..1_u32 << 24,
        milliseconds in 1..100_000_u64,
        fixed: bool,
    ) {
        let settings = limit(requests, millis(milliseconds)).with_burst(burst);
        prop_assume!(settings.is_ok());
        let refill = if fixed { Refill::Window } else { Refill::Continuous };
        let limiter = RateLimiter::new(settings.expect("assumed").with_refill(refill));

        let decision = limiter.decide(&get(), Instant::now().into_std());

        let Decision::Pass(standing) = decision else { panic!("{decision:?}") };
        prop_assert_eq!(standing.limit, requests);
        prop_assert_eq!(standing.remaining, burst - 1);
    }
}
