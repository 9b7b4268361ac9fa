//! Rate limits, limits on what goes on at a time, and limits of bodies: AT-RL-1 to AT-RL-5.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::{Asked, BackendTarget, Policy};
use gateway_filters::inquiry::OnFailure;
use gateway_filters::rate_limit::{Key, Refill};
use gateway_filters::{Answer, BodyLimit, ConcurrencyLimit, ExtAuth, RateLimit};
use gateway_tests::{Client, Origin, Site, TestGateway, answer, prefix};
use http::{HeaderName, Request};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::requests::{get, host, rule, statuses};

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
    let origin = Origin::echo().await;
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
    assert_eq!(count("/status/204").await, [(200, 1_000)].into());
}

/// AT-RL-3, with a window of 400 ms.
#[tokio::test]
async fn requests_wait_for_the_next_window_in_their_order() {
    let origin = Origin::echo().await;
    let window = Duration::from_millis(400);
    let queued = RateLimit::new(2, window)
        .unwrap()
        .with_refill(Refill::Window)
        .with_queue(5, Duration::from_secs(5));
    let site = Site::new()
        .rule(rule().with_policy(limit(queued)))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let clients: Vec<_> =
        futures_util::future::join_all((0..10).map(|_| Client::http1(gateway.address()))).await;

    let started = Instant::now();
    let calls = clients.into_iter().map(|mut client| async move {
        let status = client.get("/").await.status.as_u16();
        (status, started.elapsed())
    });
    let replies = futures_util::future::join_all(calls).await;

    let of = |status| replies.iter().filter(move |(got, _)| *got == status);
    assert_eq!(of(200).count(), 7);
    assert_eq!(of(429).count(), 3);
    let waited = of(200).filter(|(_, after)| *after >= window * 9 / 10);
    assert_eq!(waited.count(), 5);
    assert!(of(429).all(|(_, after)| *after < window));
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

/// AT-RL-4.
#[tokio::test]
async fn throttle_service_decides_and_its_absence_is_told() {
    let throttle = {
        let asked = AtomicUsize::new(0);
        Origin::http1(move |_| {
            let enough = asked.fetch_add(1, Ordering::Relaxed) >= 2;
            async move { answer(if enough { 429 } else { 200 }, "slow down") }
        })
        .await
    };
    let origin = Origin::echo().await;
    let unknown = Answer::new(503).unwrap().with_text("Throttle service down");
    let asked = Asked {
        settings: ExtAuth::new("http://throttle.test/".parse().unwrap())
            .with_on_failure(OnFailure::Deny(unknown)),
        backend: BackendTarget::Backend("throttle".into()),
    };
    let site = Site::new()
        .rule(rule().with_policy(Policy::ExtAuth(Arc::new(asked))))
        .backend("origin", [origin.address()])
        .backend("throttle", [throttle.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    for status in [200, 200, 429] {
        assert_eq!(client.get("/").await.status, status);
    }
    assert_eq!(throttle.last().host.as_deref(), Some("throttle.test"));
    drop(throttle);
    let reply = client.get("/").await;
    assert_eq!(
        (reply.status.as_u16(), reply.text()),
        (503, "Throttle service down")
    );
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
    let origin = Origin::http1({
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                answer(200, "served")
            }
        }
    })
    .await;
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
    let parts = (0..4)
        .map(|_| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(vec![b'x'; 400]))));
    let body = StreamBody::new(futures_util::stream::iter(parts));
    let request = Request::post("/")
        .header("host", "a.test")
        .body(body)
        .unwrap();
    let mut client = Client::http1(gateway.address()).await;
    assert_eq!(client.call(request).await.status, 413);
}
