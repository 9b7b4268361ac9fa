//! Circuits that open and close.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::Body;
use gateway_core::model::Policy;
use gateway_filters::{Answer, CircuitBreaker, Fraction};
use http::{Response, StatusCode};
use tokio::time::sleep;

use super::{Answering, SECOND, counts, demo};

fn breaking(breaker: CircuitBreaker) -> Policy {
    let degraded = Answer::new(503).unwrap().with_text("degraded");
    let breaker = breaker
        .with_min_requests(200.try_into().unwrap())
        .with_window(60 * SECOND)
        .and_then(|breaker| breaker.with_open_for(10 * SECOND));
    Policy::CircuitBreaker(Arc::new(breaker.unwrap().with_answer(degraded)))
}

/// Every fifth answer is 511, or comes after 300 milliseconds.
fn every_fifth(slow: bool) -> impl Fn(Bytes) -> Answering + Clone + Send + Sync + 'static {
    let asked = Arc::new(AtomicUsize::new(0));
    move |_| {
        let fifth = asked.fetch_add(1, Ordering::Relaxed) % 5 == 4;
        Box::pin(async move {
            let mut response = Response::new(Body::empty());
            if fifth && slow {
                sleep(Duration::from_millis(300)).await;
            } else if fifth {
                *response.status_mut() = StatusCode::NETWORK_AUTHENTICATION_REQUIRED;
            }
            response
        })
    }
}

/// The circuit breaker of the mesh demo: a thousand requests at two hundred a second.
#[tokio::test(start_paused = true)]
async fn circuit_opens_at_what_the_demo_says_and_for_ten_seconds() {
    let hundred = 100.try_into().unwrap();
    let tenth = Fraction::from_percent(10).unwrap();
    for (breaker, expected) in [
        (
            CircuitBreaker::new().with_error_count(hundred),
            BTreeMap::from([(200, 400), (503, 500), (511, 100)]),
        ),
        (
            CircuitBreaker::new().with_error_ratio(tenth),
            BTreeMap::from([(200, 160), (503, 800), (511, 40)]),
        ),
    ] {
        let demo = demo(breaking(breaker), every_fifth(false));

        let replies = demo.paced(1_000, Duration::from_millis(5)).await;

        assert_eq!(counts(&replies), expected);
        let first = replies.iter().position(|(status, _)| *status == 503);
        let opened = Duration::from_millis(5) * u32::try_from(first.unwrap()).unwrap();
        let left = opened + 10 * SECOND - 5 * SECOND;
        sleep(left - Duration::from_millis(50)).await;
        assert_eq!(demo.send(Bytes::new()).await.0, 503);
        sleep(Duration::from_millis(100)).await;
        assert_eq!(demo.send(Bytes::new()).await.0, 200);
    }
}

/// As before, where what speaks against the backend is how long it takes.
#[tokio::test(start_paused = true)]
async fn circuit_opens_when_answers_take_longer_than_the_demo_allows() {
    let limit = Duration::from_millis(200);
    let slow = CircuitBreaker::new().with_slow_after(limit);
    let hundred = 100.try_into().unwrap();
    let tenth = Fraction::from_percent(10).unwrap();
    for (breaker, opens_at) in [
        (slow.clone().with_slow_count(hundred), 500),
        (slow.with_slow_ratio(tenth), 200),
    ] {
        let demo = demo(breaking(breaker), every_fifth(true));

        let counts = counts(&demo.paced(1_000, Duration::from_millis(5)).await);

        // Sixty more are sent while the last slow one is under way.
        assert!(
            (opens_at..=opens_at + 61).contains(&counts[&200]),
            "{counts:?}"
        );
        assert_eq!(counts[&200] + counts[&503], 1_000);
    }
}

/// Answers take half a second where 150 milliseconds are allowed: three are enough, for two and a
/// half seconds; a request each second. One that is then let through tries it out.
#[tokio::test(start_paused = true)]
async fn circuit_of_a_slow_backend_opens_after_three_and_closes_when_it_is_quick() {
    let breaker = CircuitBreaker::new()
        .with_slow_after(Duration::from_millis(150))
        .with_slow_count(3.try_into().unwrap())
        .with_open_for(Duration::from_millis(2_500))
        .unwrap()
        .with_answer(Answer::new(429).unwrap().with_text("triggered"));
    let slow = Arc::new(AtomicBool::new(true));
    let is_slow = Arc::clone(&slow);
    let origin = move |_| {
        let slow = is_slow.load(Ordering::Relaxed);
        async move {
            sleep(Duration::from_millis(if slow { 500 } else { 0 })).await;
            Response::new(Body::empty())
        }
    };
    let demo = demo(Policy::CircuitBreaker(Arc::new(breaker)), origin);

    let replies = demo.paced(10, SECOND).await;

    let statuses: Vec<_> = replies.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses[..6], [200, 200, 200, 429, 429, 200]);
    // The one that tried it was as slow, and two more are refused before the next.
    assert_eq!(statuses[6..], [429, 429, 200, 429]);

    slow.store(false, Ordering::Relaxed);
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(counts(&demo.paced(10, SECOND).await), [(200, 10)].into());
}
