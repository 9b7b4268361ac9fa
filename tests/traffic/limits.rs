//! Rate limits, limits on what goes on at a time, and limits of bodies: AT-RL-1, AT-RL-2 and
//! AT-RL-5. The others, which take time, are demos.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::Policy;
use gateway_filters::rate_limit::{Key, Refill};
use gateway_filters::{BodyLimit, ConcurrencyLimit, RateLimit};
use gateway_tests::{Client, Origin, Site, TestGateway, answer, prefix};
use http::{HeaderName, Request};
use http_body_util::Full;
use tokio::sync::Semaphore;

use crate::requests::{gated, get, host, rule, statuses, streamed};

const MINUTE: Duration = Duration::from_secs(60);

fn limit(limit: RateLimit) -> Policy {
    Policy::RateLimit(Arc::new(limit))
}

fn hundred_a_minute() -> Policy {
    let hundred = RateLimit::new(100, MINUTE).unwrap();
    limit(hundred.with_refill(Refill::Window))
}

/// AT-RL-1.
#[tokio::test]
async fn requests_for_one_host_are_limited_exactly() {
    let origin = Origin::echo().await;
    let site = Site::new()
        .route(host("foo.test", [hundred_a_minute()]))
        .route(host("bar.test", []))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let count =
        |host: &'static str| statuses(gateway.address(), 10, 1_000, move || get(host, "/", &[]));

    assert_eq!(count("foo.test").await, [(200, 100), (429, 900)].into());
    assert_eq!(count("bar.test").await, [(200, 1_000)].into());

    let mut client = Client::http1(gateway.address()).await;
    let refused = client.call(get("foo.test", "/", &[])).await;
    assert_eq!(refused.headers["ratelimit-limit"], "100");
}

/// AT-RL-2.
#[tokio::test]
async fn requests_of_one_rule_are_limited_exactly() {
    let origin = Origin::http1(|request| async move {
        let plain = request.uri().path() == "/headers";
        answer(if plain { 200 } else { 204 }, "")
    })
    .await;
    let limited = rule()
        .with_match(prefix("/headers"))
        .with_policy(hundred_a_minute());
    let site = Site::new()
        .rule(limited)
        .rule(rule())
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let count = |target: &'static str| {
        statuses(gateway.address(), 10, 1_000, move || {
            get("a.test", target, &[])
        })
    };

    assert_eq!(count("/headers").await, [(200, 100), (429, 900)].into());
    assert_eq!(count("/status/204").await, [(204, 1_000)].into());
}

/// AT-RL-5.
#[tokio::test]
async fn limit_is_exact_over_all_workers() {
    let origin = Origin::echo().await;
    let site = Site::new()
        .rule(rule().with_policy(limit(RateLimit::new(500, MINUTE * 60).unwrap())))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::serve(
        gateway_core::Gateway::builder().workers(16),
        site.configuration(),
    );

    let counts = statuses(gateway.address(), 32, 2_000, || get("a.test", "/", &[])).await;

    assert_eq!(counts, [(200, 500), (429, 1_500)].into());
}

#[tokio::test]
async fn clients_are_counted_apart_by_their_key() {
    let origin = Origin::echo().await;
    let by_user = RateLimit::new(1, MINUTE)
        .unwrap()
        .by(Key::Header(HeaderName::from_static("x-user")));
    let site = Site::new()
        .rule(rule().with_policy(limit(by_user)))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for (user, status) in [("ann", 200), ("bob", 200), ("ann", 429)] {
        let reply = client.call(get("a.test", "/", &[("x-user", user)])).await;
        assert_eq!(reply.status, status, "{user}");
    }
}

#[tokio::test]
async fn counts_outlive_a_change_of_other_things() {
    let origin = Origin::echo().await;
    let site = |header: &str| {
        use gateway_core::model::Filter;
        use gateway_filters::HeaderModifier;

        let modifier = HeaderModifier::new().set("x-version", header).unwrap();
        let limited = rule()
            .with_policy(limit(RateLimit::new(2, MINUTE).unwrap()))
            .with_filter(Filter::RequestHeaderModifier(Arc::new(modifier)));
        Site::new()
            .rule(limited)
            .backend("origin", [origin.address()])
    };
    let gateway = TestGateway::start(&site("1"));
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(client.get("/").await.status, 200);
    gateway.update(site("2").configuration());
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(origin.last().header("x-version"), Some("2"));
    assert_eq!(client.get("/").await.status, 429);
}

#[tokio::test]
async fn no_more_are_served_at_a_time_than_there_are_places() {
    let gate = Arc::new(Semaphore::new(0));
    let origin = gated(&gate, 200, "served").await;
    let two = ConcurrencyLimit::new(2.try_into().unwrap());
    let site = Site::new()
        .rule(rule().with_policy(Policy::ConcurrencyLimit(Arc::new(two))))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let address = gateway.address();
    let served: Vec<_> = (0..2)
        .map(|_| tokio::spawn(async move { Client::http1(address).await.get("/").await.status }))
        .collect();
    origin
        .until("two requests", |state| state.requests.len() == 2)
        .await;

    let mut client = Client::http1(address).await;
    assert_eq!(client.get("/").await.status, 503);
    gate.add_permits(3);
    for status in served {
        assert_eq!(status.await.unwrap(), 200);
    }
    assert_eq!(client.get("/").await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_too_long_are_refused() {
    let origin = Origin::echo().await;
    let limit = BodyLimit::new().with_request(1_000);
    let site = Site::new()
        .rule(rule().with_policy(Policy::BodyLimit(Arc::new(limit))))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let upload = |size: usize| {
        let body = Full::new(Bytes::from(vec![b'x'; size]));
        Request::post("/")
            .header("host", "a.test")
            .body(body)
            .unwrap()
    };
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(client.call(upload(1_000)).await.status, 200);
    assert_eq!(client.call(upload(1_001)).await.status, 413);

    // One that does not say how long it is.
    let body = streamed(&Bytes::from(vec![b'x'; 1_001]), 400);
    let request = Request::post("/")
        .header("host", "a.test")
        .body(body)
        .unwrap();
    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.call(request).await.status, 413);
}
