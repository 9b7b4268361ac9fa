//! Retries: AT-RETRY-3, and how much they may add. AT-RETRY-1 and AT-RETRY-2 are demos.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use gateway_core::model::{Backend, Rule};
use gateway_filters::{Fraction, RetryBudget, RetryPolicy};
use gateway_lb::balance::Algorithm;
use gateway_tests::{BoxError, Client, Origin, Site, TestGateway};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::Semaphore;

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

async fn counts(rule: Rule, origin: &Origin) -> std::collections::BTreeMap<u16, usize> {
    let site = Site::new().rule(rule).backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    statuses(gateway.address(), 4, 100, || get("a.test", "/", &[])).await
}

fn upload(body: &str) -> Request<Full<Bytes>> {
    let request = Request::post("/").header("host", "a.test");
    request.body(Full::from(body.to_owned())).unwrap()
}

/// AT-RETRY-3: the endpoint that failed is avoided, and the body sent once more.
#[tokio::test]
async fn retry_goes_to_another_endpoint_with_the_same_body() {
    let (ill, well) = (Origin::echo_with(503).await, Origin::echo().await);
    let retry = five_times(&[503]).with_attempts(1);
    let backend = Backend::new([ill.address(), well.address()]).with_algorithm(Algorithm::Random);
    let site = Site::new()
        .rule(rule().with_retry(retry))
        .backend_of("origin", backend);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for number in 0..100 {
        let body = format!("number {number}");
        let reply = client.call(upload(&body)).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.echo()["body"]),
            (200, &body.into())
        );
    }

    assert_eq!(well.count(), 100);
    assert!(ill.count() > 0);
    assert!(
        ill.requests()
            .iter()
            .all(|seen| seen.complete && !seen.body.is_empty())
    );
}

/// AT-RETRY-3: what the client has begun to read is not asked for again.
#[tokio::test]
async fn response_that_breaks_off_is_not_tried_again() {
    let read = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&read);
    let origin = Origin::http1(move |_| {
        let gate = Arc::clone(&gate);
        let begun = stream::once(ready(Ok(Frame::data(Bytes::from("begun")))));
        let body = begun.chain(stream::once(async move {
            gate.acquire().await.unwrap().forget();
            Err(BoxError::from("and not ended"))
        }));
        ready(Response::new(StreamBody::new(body).boxed_unsync()))
    })
    .await;
    let site = Site::new()
        .rule(rule().with_retry(five_times(&[503])))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let response = client.send(upload("once")).await.unwrap();
    read.add_permits(1);

    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(origin.count(), 1);
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
