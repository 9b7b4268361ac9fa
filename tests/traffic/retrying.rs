//! Retries: AT-RETRY-1 and AT-RETRY-2, and how much they may add.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::model::{Backend, Rule};
use gateway_filters::{Fraction, RetryBudget, RetryPolicy};
use gateway_tests::{Origin, Site, TestGateway, answer};
use http::StatusCode;

use crate::requests::{get, rule, statuses};

fn five_times(codes: &[u16]) -> RetryPolicy {
    let codes = codes
        .iter()
        .map(|code| StatusCode::from_u16(*code).unwrap());
    RetryPolicy::new()
        .with_attempts(5)
        .with_backoff(Duration::from_millis(1))
        .with_codes(codes)
        .unwrap()
}

/// Each tenth answer is `status`.
async fn each_tenth(status: u16) -> Origin {
    let asked = AtomicUsize::new(0);
    Origin::http1(move |_| {
        let tenth = asked.fetch_add(1, Ordering::Relaxed) % 10 == 9;
        async move { answer(if tenth { status } else { 200 }, "") }
    })
    .await
}

async fn counts(rule: Rule, origin: &Origin) -> std::collections::BTreeMap<u16, usize> {
    let site = Site::new().rule(rule).backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    statuses(gateway.address(), 4, 100, || get("a.test", "/", &[])).await
}

/// AT-RETRY-1.
#[tokio::test]
async fn what_fails_now_and_then_is_not_seen_to_fail() {
    let without = counts(rule(), &each_tenth(503).await).await;
    let with = counts(
        rule().with_retry(five_times(&[500, 503])),
        &each_tenth(503).await,
    )
    .await;

    assert_eq!(without, [(200, 90), (503, 10)].into());
    assert_eq!(with, [(200, 100)].into());
}

/// AT-RETRY-2.
#[tokio::test]
async fn codes_that_are_not_listed_stay() {
    let counts = counts(
        rule().with_retry(five_times(&[503])),
        &each_tenth(500).await,
    )
    .await;

    assert_eq!(counts, [(200, 90), (500, 10)].into());
}

/// Two rules, whose backend allows both together a fifth.
#[tokio::test]
async fn retries_add_no_more_than_a_fifth() {
    let origin = Origin::echo_with(503).await;
    let budget = RetryBudget::new()
        .with_share(Fraction::from_percent(20).unwrap())
        .with_min_per_second(0);
    let retried = || rule().with_retry(five_times(&[503]));
    let site = Site::new()
        .rule(retried().with_match(gateway_tests::prefix("/a")))
        .rule(retried())
        .backend_of(
            "origin",
            Backend::new([origin.address()]).with_retry_budget(budget),
        );
    let gateway = TestGateway::start(&site);
    let ask = |target: &'static str| {
        statuses(gateway.address(), 4, 250, move || {
            get("a.test", target, &[])
        })
    };

    let (one, other) = (ask("/a").await, ask("/b").await);

    assert_eq!((&one, &other), (&[(503, 250)].into(), &[(503, 250)].into()));
    let sent = origin.count();
    assert!((500..=600).contains(&sent), "{sent}");
    assert!(sent > 550, "{sent}: the budget is not used");
}

#[tokio::test]
async fn rule_has_a_budget_of_its_own() {
    let origin = Origin::echo_with(503).await;
    let budget = RetryBudget::new().with_min_per_second(0);
    let retried = rule()
        .with_retry(five_times(&[503]))
        .with_retry_budget(budget);

    let counts = counts(retried, &origin).await;

    assert_eq!(counts, [(503, 100)].into());
    assert!((100..=120).contains(&origin.count()), "{}", origin.count());
}
