//! Mirrors: AT-MIR-1 to AT-MIR-3.

use std::sync::Arc;

use bytes::Bytes;
use gateway_core::model::{BackendTarget, Filter, RequestMirror};
use gateway_filters::Fraction;
use gateway_tests::{Client, Incoming, Origin, RawOrigin, Site, TestGateway, answer};
use http::Request;
use http_body_util::{BodyExt, Full};

use crate::requests::rule;

fn mirrored(fraction: Fraction) -> Site {
    let mirror = RequestMirror {
        backend: BackendTarget::Backend("mirror".into()),
        fraction,
    };
    Site::new().rule(rule().with_filter(Filter::RequestMirror(Arc::new(mirror))))
}

fn hello() -> Request<Full<Bytes>> {
    let request = Request::post("/").header("host", "a.test");
    request.body(Full::from("Hello world")).unwrap()
}

/// Answers with what it is sent.
async fn parrot() -> Origin {
    Origin::http1(|request: Request<Incoming>| async move {
        let body = request.into_body().collect().await.unwrap();
        answer(200, body.to_bytes())
    })
    .await
}

/// AT-MIR-1: the client hears of the backend alone, and both of the same head.
#[tokio::test]
async fn both_see_the_request_and_the_client_one_answer() {
    let (origin, mirror) = (parrot().await, Origin::echo_with(500).await);
    let site = mirrored(Fraction::ALWAYS)
        .backend("origin", [origin.address()])
        .backend("mirror", [mirror.address()]);
    let gateway = TestGateway::start(&site);

    let reply = Client::http1(gateway.address()).await.call(hello()).await;

    assert_eq!((reply.status.as_u16(), reply.text()), (200, "Hello world"));
    mirror
        .until("the copy", |state| state.requests.len() == 1)
        .await;
    let (seen, copy) = (origin.last(), mirror.last());
    assert_eq!((seen.method, seen.target), (copy.method, copy.target));
    assert_eq!((seen.host, seen.headers), (copy.host, copy.headers));
    assert_eq!(copy.body, "Hello world");
}

/// AT-MIR-2: of every three in a row one is mirrored, so of 15 exactly 5.
#[tokio::test]
async fn third_of_the_requests_is_mirrored() {
    let (origin, mirror) = (parrot().await, parrot().await);
    let site = mirrored(Fraction::new(1, 3).unwrap())
        .backend("origin", [origin.address()])
        .backend("mirror", [mirror.address()]);
    let gateway = TestGateway::start(&site);

    // From connections of several workers.
    for _ in 0..5 {
        let mut client = Client::http1(gateway.address()).await;
        for _ in 0..3 {
            assert_eq!(client.call(hello()).await.text(), "Hello world");
        }
    }
    // What is under way has arrived, or never will.
    gateway.shutdown();
    gateway.drained().await.unwrap();

    assert_eq!((origin.count(), mirror.count()), (15, 5));
}

/// AT-MIR-3: a mirror that is down, and one that never reads or answers.
#[tokio::test]
async fn mirror_that_is_down_or_slow_costs_the_client_nothing() {
    let origin = parrot().await;
    let gone = Origin::echo().await.address();
    let silent = RawOrigin::bind().await;
    let silent = silent.script(|_wire| std::future::pending::<()>());
    for mirror in [gone, silent.address()] {
        let site = mirrored(Fraction::ALWAYS)
            .backend("origin", [origin.address()])
            .backend("mirror", [mirror]);
        let gateway = TestGateway::single(&site);
        let mut client = Client::http1(gateway.address()).await;

        // Were one waited for, there would be no answer.
        for _ in 0..50 {
            let reply = client.call(hello()).await;
            assert_eq!((reply.status.as_u16(), reply.text()), (200, "Hello world"));
        }
    }
    assert_eq!(origin.count(), 100);
}
