//! Circuit breakers, as the demos of errors and of slow answers have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::model::Policy;
use gateway_filters::{Answer, CircuitBreaker, Fraction};
use gateway_tests::{Client, Origin, Site, TestGateway, answer};
use tokio::time::{Instant, sleep};

use crate::requests::{get, rule, statuses};

fn degraded() -> Answer {
    Answer::new(503).unwrap().with_text("degraded")
}

async fn broken(breaker: CircuitBreaker, origin: &Origin) -> TestGateway {
    let site = Site::new()
        .rule(rule().with_policy(Policy::CircuitBreaker(Arc::new(breaker))))
        .backend("origin", [origin.address()]);
    TestGateway::start(&site)
}

/// One of five answers is 511.
async fn one_of_five() -> Origin {
    let asked = AtomicUsize::new(0);
    Origin::http1(move |_| {
        let fifth = asked.fetch_add(1, Ordering::Relaxed) % 5 == 4;
        async move { answer(if fifth { 511 } else { 200 }, "") }
    })
    .await
}

const CLIENTS: usize = 10;

#[tokio::test]
async fn circuit_opens_at_a_number_of_errors() {
    let origin = one_of_five().await;
    let breaker = CircuitBreaker::new()
        .with_error_count(100.try_into().unwrap())
        .with_min_requests(200.try_into().unwrap())
        .with_window(Duration::from_secs(60))
        .unwrap()
        .with_answer(degraded());
    let gateway = broken(breaker, &origin).await;

    let counts = statuses(gateway.address(), CLIENTS, 1_000, || {
        get("a.test", "/", &[])
    })
    .await;

    // Those in flight when it opens may still fail.
    assert!((100..=100 + CLIENTS).contains(&counts[&511]), "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 1_000);
    assert_eq!(counts[&200] + counts[&511], origin.count());
    assert!(counts[&503] > 400, "{counts:?}");
}

#[tokio::test]
async fn circuit_opens_at_a_share_of_errors() {
    let origin = one_of_five().await;
    let breaker = CircuitBreaker::new()
        .with_error_ratio(Fraction::from_percent(10).unwrap())
        .with_min_requests(200.try_into().unwrap())
        .with_window(Duration::from_secs(60))
        .unwrap()
        .with_answer(degraded());
    let gateway = broken(breaker, &origin).await;

    let counts = statuses(gateway.address(), CLIENTS, 1_000, || {
        get("a.test", "/", &[])
    })
    .await;

    // It opens at the first error once there have been two hundred.
    assert!((40..=41 + CLIENTS).contains(&counts[&511]), "{counts:?}");
    assert!(counts[&503] > 700, "{counts:?}");
}

#[tokio::test]
async fn circuit_opens_when_answers_are_slow_and_closes_when_they_are_not() {
    let slow = Arc::new(AtomicBool::new(true));
    let origin = Origin::http1({
        let slow = Arc::clone(&slow);
        move |_| {
            let slow = slow.load(Ordering::Relaxed);
            async move {
                if slow {
                    sleep(Duration::from_millis(150)).await;
                }
                answer(200, "")
            }
        }
    })
    .await;
    let open_for = Duration::from_millis(400);
    let breaker = CircuitBreaker::new()
        .with_slow_after(Duration::from_millis(50))
        .with_slow_count(3.try_into().unwrap())
        .with_open_for(open_for)
        .unwrap()
        .with_answer(Answer::new(429).unwrap());
    let gateway = broken(breaker, &origin).await;
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..3 {
        assert_eq!(client.get("/").await.status, 200);
    }
    let opened = Instant::now();
    assert_eq!(client.get("/").await.status, 429);
    assert_eq!(origin.count(), 3);

    slow.store(false, Ordering::Relaxed);
    while client.get("/").await.status == 429 {
        assert!(opened.elapsed() < 20 * open_for, "it never closes");
        sleep(Duration::from_millis(20)).await;
    }
    assert!(opened.elapsed() >= open_for * 9 / 10);
    assert_eq!(client.get("/").await.status, 200);
}
