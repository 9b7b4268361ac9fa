//! Circuit breakers over all workers, as the demos of errors have them; `demos` has those of slow
//! answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::model::Policy;
use gateway_filters::{Answer, CircuitBreaker, Fraction};
use gateway_tests::{Origin, Site, TestGateway, answer};

use crate::requests::{get, rule, statuses};

/// What a thousand requests get behind `breaker`, at the least after two hundred of them.
async fn thousand(breaker: CircuitBreaker, origin: &Origin) -> BTreeMap<u16, usize> {
    let breaker = breaker
        .with_min_requests(200.try_into().unwrap())
        .with_window(Duration::from_secs(60))
        .unwrap()
        .with_answer(Answer::new(503).unwrap().with_text("degraded"));
    let site = Site::new()
        .rule(rule().with_policy(Policy::CircuitBreaker(Arc::new(breaker))))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    statuses(gateway.address(), CLIENTS, 1_000, || {
        get("a.test", "/", &[])
    })
    .await
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
    let breaker = CircuitBreaker::new().with_error_count(100.try_into().unwrap());

    let counts = thousand(breaker, &origin).await;

    // Those in flight when it opens may still fail.
    assert!((100..=100 + CLIENTS).contains(&counts[&511]), "{counts:?}");
    assert_eq!(counts.values().sum::<usize>(), 1_000);
    assert_eq!(counts[&200] + counts[&511], origin.count());
    assert!(counts[&503] > 400, "{counts:?}");
}

#[tokio::test]
async fn circuit_opens_at_a_share_of_errors() {
    let origin = one_of_five().await;
    let breaker = CircuitBreaker::new().with_error_ratio(Fraction::from_percent(10).unwrap());

    let counts = thousand(breaker, &origin).await;

    // It opens at the first error once there have been two hundred.
    assert!((40..=41 + CLIENTS).contains(&counts[&511]), "{counts:?}");
    assert!(counts[&503] > 700, "{counts:?}");
}
