//! Retries and timeouts of rules.
//!
//! A paused clock cannot be shared with sockets, so times here are real and short.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::model::{BackendRef, Rule, Timeouts};
use gateway_filters::RetryPolicy;
use gateway_tests::{Client, Incoming, Origin, RawOrigin, Reply, Site, TestGateway, Wire, answer};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tokio::sync::oneshot;
use tokio::time::Instant;

const SOON: Duration = Duration::from_millis(100);

fn retries(attempts: u32, codes: &[u16]) -> RetryPolicy {
    let codes = codes
        .iter()
        .map(|code| StatusCode::from_u16(*code).unwrap());
    RetryPolicy::new()
        .with_attempts(attempts)
        .with_backoff(Duration::from_millis(1))
        .with_codes(codes)
        .unwrap()
}

fn rule() -> Rule {
    Rule::new().with_backend(BackendRef::new("origin".into()))
}

fn site(rule: Rule, address: SocketAddr) -> Site {
    Site::new().rule(rule).backend("origin", [address])
}

/// Answers `failures` times with `status`, then with 200 and what it got.
async fn flaky(failures: usize, status: u16) -> Origin {
    let asked = Arc::new(AtomicUsize::new(0));
    Origin::http1(move |request: Request<Incoming>| {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            if asked < failures {
                answer(status, format!("failure {}", asked + 1))
            } else {
                answer(200, body)
            }
        }
    })
    .await
}

fn post(body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post("/")
        .header("host", "a.test")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn nobody() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    listener.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn listed_codes_are_tried_again() {
    let origin = flaky(3, 503).await;
    let gateway = TestGateway::single(&site(
        rule().with_retry(retries(3, &[500, 503])),
        origin.address(),
    ));

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(origin.count(), 4);
}

#[tokio::test]
async fn last_response_of_the_backend_is_the_answer() {
    let origin = flaky(usize::MAX, 503).await;
    let gateway = TestGateway::single(&site(
        rule().with_retry(retries(2, &[503])),
        origin.address(),
    ));

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.text(), "failure 3");
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn other_codes_and_no_attempts_are_not_tried_again() {
    for policy in [retries(3, &[500]), retries(0, &[503])] {
        let origin = flaky(1, 503).await;
        let gateway = TestGateway::single(&site(rule().with_retry(policy), origin.address()));

        let reply = Client::http1(gateway.address()).await.get("/").await;

        assert_eq!(reply.text(), "failure 1");
        assert_eq!(origin.count(), 1);
    }
}

#[tokio::test]
async fn refused_connection_is_tried_at_another_endpoint() {
    let good = Origin::echo().await;
    let site = Site::new()
        .rule(rule().with_retry(retries(100, &[])))
        .backend("origin", [nobody().await, good.address()]);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..10 {
        assert_eq!(client.get("/").await.status, StatusCode::OK);
    }

    assert_eq!(good.count(), 10);
}

#[tokio::test]
async fn body_is_sent_again_as_it_was() {
    for http2 in [false, true] {
        let origin = flaky(2, 503).await;
        let gateway = TestGateway::single(&site(
            rule().with_retry(retries(3, &[503])),
            origin.address(),
        ));
        let mut client = if http2 {
            Client::http2(gateway.address()).await
        } else {
            Client::http1(gateway.address()).await
        };
        let body: Bytes = (0..40_000u32)
            .map(|byte| byte as u8)
            .collect::<Vec<_>>()
            .into();

        let reply = client.call(post(body.clone())).await;

        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.body, body);
        assert_eq!(origin.count(), 3);
    }
}

#[tokio::test]
async fn body_that_was_read_by_half_is_sent_again_whole() {
    // The first try is answered before the end of the body.
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&site(
        rule().with_retry(retries(1, &[503])),
        origin.address(),
    ));
    let mut client = Wire::connect(gateway.address()).await;

    client
        .send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nfirst")
        .await;
    let mut one = origin.accept().await;
    one.head().await.unwrap();
    assert_eq!(one.read(5).await.unwrap(), b"first");
    one.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        .await;
    let mut two = origin.accept().await;
    client.send("after").await;
    let again = two.request().await.unwrap();
    two.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .await;

    assert_eq!(again.text(), "firstafter");
    assert_eq!(client.response().await.unwrap().status, 200);
    assert!(one.is_ended().await, "half a request is not finished");
}

#[tokio::test]
async fn body_that_is_too_long_to_keep_is_not_sent_again() {
    let origin = flaky(1, 503).await;
    let policy = retries(3, &[503]).with_body_limit(1000);
    let gateway = TestGateway::single(&site(rule().with_retry(policy), origin.address()));

    let reply = Client::http1(gateway.address())
        .await
        .call(post(vec![b'x'; 100_000]))
        .await;

    assert_eq!(reply.text(), "failure 1");
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn late_response_is_504() {
    let timeouts = [
        (
            Timeouts {
                request: Some(SOON),
                ..Timeouts::default()
            },
            "request_timeout",
        ),
        (
            Timeouts {
                backend_request: Some(SOON),
                ..Timeouts::default()
            },
            "backend_request_timeout",
        ),
    ];
    for (timeouts, reason) in timeouts {
        let origin = RawOrigin::bind().await;
        let gateway = TestGateway::single(&site(rule().with_timeouts(timeouts), origin.address()));
        let mut client = Wire::connect(gateway.address()).await;

        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut backend = origin.accept().await;
        backend.head().await.unwrap();
        let answer = client.response().await.unwrap();

        assert_eq!((answer.status, answer.text()), (504, reason));
        assert!(backend.is_ended().await, "a late backend is given up");
        // The client's connection is as good as before.
        client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut backend = origin.accept().await;
        backend.head().await.unwrap();
        backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(client.response().await.unwrap().status, 204);
    }
}

#[tokio::test]
async fn response_that_began_in_time_breaks_off_visibly() {
    let origin = RawOrigin::bind().await;
    let timeouts = Timeouts {
        request: Some(SOON),
        ..Timeouts::default()
    };
    let gateway = TestGateway::single(&site(rule().with_timeouts(timeouts), origin.address()));
    let mut client = Client::http1(gateway.address()).await;

    let sent = tokio::spawn(async move {
        let response = client.send(Client::request("/")).await.unwrap();
        Reply::read(response).await
    });
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        .await;

    let reply = sent.await.unwrap();
    assert_eq!((reply.text(), reply.complete), ("half", false));
    assert!(backend.is_ended().await);
}

#[tokio::test]
async fn timeouts_leave_fast_requests_alone() {
    let origin = Origin::echo().await;
    let timeouts = Timeouts {
        request: Some(Duration::from_secs(30)),
        backend_request: Some(Duration::from_secs(30)),
    };
    let gateway = TestGateway::single(&site(rule().with_timeouts(timeouts), origin.address()));

    let reply = Client::http1(gateway.address()).await.call(post("x")).await;

    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.echo()["body"], "x");
}

#[tokio::test]
async fn request_timeout_covers_all_tries() {
    let origin = flaky(usize::MAX, 503).await;
    let policy = retries(1_000_000, &[503]).with_backoff(Duration::from_millis(20));
    let timeouts = Timeouts {
        request: Some(SOON * 2),
        ..Timeouts::default()
    };
    let gateway = TestGateway::single(&site(
        rule().with_retry(policy).with_timeouts(timeouts),
        origin.address(),
    ));
    let started = Instant::now();

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!(reply.status, StatusCode::GATEWAY_TIMEOUT);
    assert!(started.elapsed() >= SOON * 2);
    assert!(origin.count() >= 2, "{}", origin.count());
}

#[tokio::test]
async fn late_try_is_given_up_and_tried_again() {
    let (release, hold) = oneshot::channel::<()>();
    let hold = Arc::new(std::sync::Mutex::new(Some(hold)));
    let origin = Origin::http1(move |_| {
        let hold = hold.lock().unwrap().take();
        async move {
            if let Some(hold) = hold {
                let _ = hold.await;
            }
            answer(200, "answered")
        }
    })
    .await;
    let timeouts = Timeouts {
        backend_request: Some(SOON),
        ..Timeouts::default()
    };
    let gateway = TestGateway::single(&site(
        rule()
            .with_retry(retries(1, &[504]))
            .with_timeouts(timeouts),
        origin.address(),
    ));

    let reply = Client::http1(gateway.address()).await.get("/").await;

    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "answered"));
    assert_eq!(origin.count(), 2);
    // The first try's connection is closed, not left to answer later.
    origin
        .until("the end of the late try", |state| state.open == 1)
        .await;
    drop(release);
}
