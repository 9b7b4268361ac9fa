//! Retries, with pauses of a second and more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::Body;
use gateway_core::model::Rule;
use gateway_filters::RetryPolicy;
use http::{Response, StatusCode};

use super::{Answering, Demo, SECOND, counts, demo_of};

/// Five times, a second at most before the first and ten before the others.
fn five_times(codes: impl IntoIterator<Item = u16>) -> Rule {
    let codes = codes
        .into_iter()
        .map(|code| StatusCode::from_u16(code).unwrap());
    let retry = RetryPolicy::new()
        .with_attempts(5)
        .with_capped_backoff(SECOND, 10 * SECOND)
        .unwrap()
        .with_codes(codes);
    Rule::new().with_retry(retry.unwrap())
}

/// Of each ten answers so many are `status`, one after the other.
fn failing(tenths: usize, status: u16) -> impl Fn(Bytes) -> Answering + Clone + Send + Sync {
    let asked = Arc::new(AtomicUsize::new(0));
    let status = StatusCode::from_u16(status).unwrap();
    move |_| {
        let fails = asked.fetch_add(1, Ordering::Relaxed) % 10 >= 10 - tenths;
        Box::pin(async move {
            let mut response = Response::new(Body::empty());
            if fails {
                *response.status_mut() = status;
            }
            response
        })
    }
}

/// A hundred, each after the one before.
async fn hundred(demo: Demo) -> Vec<(u16, Duration)> {
    let mut replies = Vec::new();
    for _ in 0..100 {
        let (status, _, took) = demo.send(Bytes::new()).await;
        replies.push((status, took));
    }
    replies
}

/// AT-RETRY-1: a tenth fails, with any status of a server's; pauses are of a second at most.
#[tokio::test(start_paused = true)]
async fn what_fails_now_and_then_is_not_seen_to_fail() {
    let before = hundred(demo_of(Rule::new(), failing(1, 503))).await;
    let after = hundred(demo_of(five_times(500..600), failing(1, 503))).await;

    assert_eq!(counts(&before), [(200, 90), (503, 10)].into());
    assert_eq!(counts(&after), [(200, 100)].into());
    let paused: Vec<_> = after.iter().filter(|(_, took)| !took.is_zero()).collect();
    // Eleven failures, for what is repeated may fail, too; a pause may be as good as none.
    assert!((6..=11).contains(&paused.len()), "{paused:?}");
    let rounded = SECOND + Duration::from_millis(1);
    assert!(
        paused.iter().all(|(_, took)| *took <= rounded),
        "{paused:?}"
    );
}

/// AT-RETRY-2: three of ten fail; what is not listed is passed on at once.
#[tokio::test(start_paused = true)]
async fn codes_that_are_listed_vanish_and_others_stay() {
    let listed = hundred(demo_of(five_times([503]), failing(3, 503))).await;
    let other = hundred(demo_of(five_times([503]), failing(3, 500))).await;

    assert_eq!(counts(&listed), [(200, 100)].into());
    // One, two and four seconds at most.
    let rounded = 7 * SECOND + Duration::from_millis(3);
    assert!(
        listed.iter().all(|(_, took)| *took <= rounded),
        "{listed:?}"
    );
    assert_eq!(counts(&other), [(200, 70), (500, 30)].into());
    assert!(other.iter().all(|(_, took)| took.is_zero()), "{other:?}");
}
