//! Faults: AT-FAULT-1 to AT-FAULT-4.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::Policy;
use gateway_filters::{Answer, Fault, Fraction};
use gateway_tests::{Client, Origin, Site, TestGateway, prefix};
use http::Request;
use http_body_util::Empty;
use tokio::time::Instant;

use crate::requests::{ask, get, host, rule, statuses};

fn fault(fault: Fault) -> Policy {
    Policy::Fault(Arc::new(fault))
}

fn abort(share: Fraction, status: u16) -> Policy {
    fault(Fault::new().with_abort(share, Answer::new(status).unwrap()))
}

/// AT-FAULT-1.
#[tokio::test]
async fn requests_of_one_rule_are_aborted() {
    let origin = Origin::echo().await;
    let aborted = rule()
        .with_match(prefix("/headers"))
        .with_policy(abort(Fraction::ALWAYS, 404));
    let site = Site::new()
        .rule(aborted)
        .rule(rule())
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let head = Request::head("/headers").header("host", "a.test");
    let reply = client.call(head.body(Empty::<Bytes>::new()).unwrap()).await;

    assert_eq!(reply.status, 404);
    assert!(reply.body.is_empty());
    let reply = ask(&mut client, "a.test", "/headers").await;
    assert_eq!(reply.headers["content-length"], "0");
    assert_eq!(ask(&mut client, "a.test", "/get").await.status, 200);
    assert_eq!(origin.count(), 1);
}

/// AT-FAULT-2.
#[tokio::test]
async fn requests_for_one_host_are_aborted() {
    let origin = Origin::echo().await;
    let site = Site::new()
        .route(host("foo.test", [abort(Fraction::ALWAYS, 404)]))
        .route(host("bar.test", []))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    assert_eq!(ask(&mut client, "foo.test", "/").await.status, 404);
    assert_eq!(ask(&mut client, "bar.test", "/").await.status, 200);
}

/// AT-FAULT-3, ten times as fast.
#[tokio::test]
async fn delays_are_between_their_bounds() {
    let origin = Origin::echo().await;
    let (shortest, longest) = (Duration::from_millis(50), Duration::from_millis(100));
    let delayed = Fault::new()
        .with_delay_between(Fraction::ALWAYS, shortest, longest)
        .unwrap();
    let site = Site::new()
        .rule(rule().with_policy(fault(delayed)))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let mut client = Client::http1(gateway.address()).await;

    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        assert_eq!(ask(&mut client, "a.test", "/").await.status, 200);
        assert!(started.elapsed() >= shortest);
        quickest = quickest.min(started.elapsed());
    }
    // The machine may be slow, but not each time.
    assert!(
        quickest <= longest + Duration::from_millis(200),
        "{quickest:?}"
    );
}

/// AT-FAULT-4.
#[tokio::test]
async fn shares_are_kept() {
    let origin = Origin::echo().await;
    let quarter = Fraction::from_percent(25).unwrap();
    let site = Site::new()
        .route(host("quarter.test", [abort(quarter, 503)]))
        .route(host("never.test", [abort(Fraction::NEVER, 503)]))
        .route(host("always.test", [abort(Fraction::ALWAYS, 503)]))
        .backend("origin", [origin.address()]);
    let gateway = TestGateway::start(&site);
    let count = |host: &'static str, requests| {
        statuses(gateway.address(), 8, requests, move || get(host, "/", &[]))
    };

    let aborted = count("quarter.test", 4_000).await[&503];
    let never = count("never.test", 400).await;
    let always = count("always.test", 400).await;

    // 1,000 are expected, with a standard deviation of 27.
    assert!((850..=1_150).contains(&aborted), "{aborted}");
    assert_eq!(never, [(200, 400)].into());
    assert_eq!(always, [(503, 400)].into());
}
