//! Faults: AT-FAULT-1 and AT-FAULT-2; the others, which take time or are many, are demos.

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::model::Policy;
use gateway_filters::{Answer, Fault, Fraction};
use gateway_tests::{Client, Origin, Site, TestGateway, prefix};
use http::Request;
use http_body_util::Empty;

use crate::requests::{ask, host, rule};

fn abort(share: Fraction, status: u16) -> Policy {
    let fault = Fault::new().with_abort(share, Answer::new(status).unwrap());
    Policy::Fault(Arc::new(fault))
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
