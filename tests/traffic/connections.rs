//! Connections to endpoints: how many, how long, and when they are opened.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use gateway_core::model::{Backend, Timeouts};
use gateway_filters::{CircuitBreaker, RetryPolicy};
use gateway_lb::connections::{ConnectionLimit, ConnectionSettings};
use gateway_lb::health::{Ejection, HealthSettings};
use gateway_tests::{Client, Origin, Site, TestGateway, answer};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::requests::{get, rule, statuses};

mod shared;

fn limit(connections: usize) -> ConnectionLimit {
    ConnectionLimit::new(NonZeroUsize::new(connections).unwrap())
}

fn limited(limit: ConnectionLimit) -> ConnectionSettings {
    ConnectionSettings::new().with_limit(limit)
}

/// An origin that answers as many requests as it is let, and how many were under way at most.
async fn held() -> (Origin, Arc<Semaphore>, Arc<AtomicUsize>) {
    let gate = Arc::new(Semaphore::new(0));
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (opened, seen) = (Arc::clone(&gate), Arc::clone(&most));
    let origin = Origin::http1(move |_| {
        let (gate, now, most) = (Arc::clone(&opened), Arc::clone(&now), Arc::clone(&seen));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            now.fetch_sub(1, Ordering::SeqCst);
            answer(200, "done")
        }
    })
    .await;
    (origin, gate, most)
}

#[tokio::test]
async fn connections_to_an_endpoint_are_limited_exactly_over_all_workers() {
    let (origin, gate, most) = held().await;
    gate.add_permits(1_000);
    let backend = Backend::new([origin.address()]).with_connections(limited(limit(3)));
    let site = Site::new().rule(rule()).backend_of("origin", backend);
    let gateway = TestGateway::serve(
        gateway_core::Gateway::builder().workers(4),
        site.configuration(),
    );

    let counts = statuses(gateway.address(), 24, 600, || get("a.test", "/", &[])).await;

    assert_eq!(counts, [(200, 600)].into());
    assert!(most.load(Ordering::SeqCst) <= 3, "{most:?}");
}

#[tokio::test]
async fn requests_beyond_the_queue_are_answered_at_once() {
    let (origin, gate, _) = held().await;
    let tight = limited(limit(1).with_max_pending(1));
    let backend = Backend::new([origin.address()]).with_connections(tight);
    let site = Site::new().rule(rule()).backend_of("origin", backend);
    let gateway = TestGateway::start(&site);
    let address = gateway.address();
    let call = || tokio::spawn(async move { Client::http1(address).await.get("/").await });
    let first = call();
    origin
        .until("one request", |state| state.requests.len() == 1)
        .await;

    // One of the two waits, whichever comes sooner.
    let (refused, waits) = match select(call(), call()).await {
        Either::Left(ended) => ended,
        Either::Right(ended) => ended,
    };
    gate.add_permits(2);

    let refused = refused.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.text(), "connection_limit");
    assert_eq!(first.await.unwrap().status, StatusCode::OK);
    assert_eq!(waits.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn another_endpoint_is_tried_when_one_has_no_connection_free() {
    let (slow, gate, _) = held().await;
    let fast = Origin::http1(|_| async { answer(200, "fast") }).await;
    let none_waits = limited(limit(1).with_max_pending(0));
    let backend = Backend::new([slow.address(), fast.address()]).with_connections(none_waits);
    let retrying = rule().with_retry(RetryPolicy::new().with_attempts(1));
    let site = Site::new().rule(retrying).backend_of("origin", backend);
    let gateway = TestGateway::single(&site);
    let address = gateway.address();
    let busy = tokio::spawn(async move {
        let mut client = Client::http1(address).await;
        // Until it is the slow one's turn.
        loop {
            let reply = client.get("/").await;
            if reply.text() != "fast" {
                return reply;
            }
        }
    });
    slow.until("a request", |state| state.requests.len() == 1)
        .await;

    let mut client = Client::http1(address).await;
    for _ in 0..6 {
        assert_eq!(client.get("/").await.text(), "fast");
    }

    gate.add_permits(1);
    assert_eq!(busy.await.unwrap().text(), "done");
}

#[tokio::test]
async fn limit_opens_no_circuit_and_ejects_nobody() {
    let (origin, gate, _) = held().await;
    let ejection = Ejection::new().with_consecutive(Some(1));
    let breaker = CircuitBreaker::new()
        .with_error_count(NonZeroU32::MIN)
        .with_min_requests(NonZeroU32::MIN);
    let backend = Backend::new([origin.address()])
        .with_connections(limited(limit(1).with_max_pending(0)))
        .with_health(HealthSettings::new().with_ejection(ejection))
        .with_circuit_breaker(breaker);
    let site = Site::new().rule(rule()).backend_of("origin", backend);
    let gateway = TestGateway::single(&site);
    let address = gateway.address();
    let busy = tokio::spawn(async move { Client::http1(address).await.get("/").await });
    origin
        .until("a request", |state| state.requests.len() == 1)
        .await;

    let mut client = Client::http1(address).await;
    for _ in 0..5 {
        assert_eq!(client.get("/").await.text(), "connection_limit");
    }

    gate.add_permits(2);
    assert_eq!(busy.await.unwrap().text(), "done");
    assert_eq!(client.get("/").await.text(), "done");
}

#[tokio::test]
async fn connection_is_closed_after_its_last_request() {
    let origin = Origin::echo().await;
    let settings = ConnectionSettings::new().with_max_requests(5.try_into().unwrap());
    let backend = Backend::new([origin.address()]).with_connections(settings);
    let site = Site::new().rule(rule()).backend_of("origin", backend);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..20 {
        assert_eq!(client.get("/").await.status, 200);
    }

    assert_eq!(origin.connections(), 4);
}

#[tokio::test]
async fn connection_that_grows_old_finishes_what_is_on_it() {
    let (origin, gate, _) = held().await;
    let settings = ConnectionSettings::new().with_max_age(Duration::from_millis(1));
    let backend = Backend::new([origin.address()]).with_connections(settings);
    let site = Site::new().rule(rule()).backend_of("origin", backend);
    let gateway = TestGateway::single(&site);
    let mut client = Client::http1(gateway.address()).await;

    for _ in 0..3 {
        let let_go = async {
            sleep(Duration::from_millis(10)).await;
            gate.add_permits(1);
        };
        let (reply, ()) = tokio::join!(client.get("/"), let_go);
        assert_eq!(reply.text(), "done");
    }

    assert_eq!(origin.connections(), 3);
}

#[tokio::test]
async fn connections_are_opened_before_there_are_requests_and_end_with_the_endpoint() {
    let (origin, other) = (Origin::echo().await, Origin::echo().await);
    let settings = || {
        ConnectionSettings::new()
            .with_warm(2)
            .with_idle_timeout(Duration::from_millis(600))
    };
    let site = |address| {
        let backend = Backend::new([address]).with_connections(settings());
        Site::new().rule(rule()).backend_of("origin", backend)
    };
    let gateway = TestGateway::single(&site(origin.address()));
    origin
        .until("two connections", |state| state.connections == 2)
        .await;
    assert_eq!(origin.count(), 0);

    gateway.update(site(other.address()).configuration());
    other
        .until("two connections", |state| state.connections == 2)
        .await;
    // Those that grow too idle are opened again.
    other
        .until("two more", |state| state.connections >= 4)
        .await;

    let before = origin.connections();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(origin.connections(), before);
}

/// One endpoint that hangs, and one that answers.
async fn hanging() -> (Origin, Origin, Backend) {
    let (hangs, _gate, _) = held().await;
    let well = Origin::http1(|_| async { answer(200, "well") }).await;
    let ejection = Ejection::new()
        .with_consecutive(Some(1))
        .with_base(Duration::from_secs(60));
    let backend = Backend::new([hangs.address(), well.address()])
        .with_health(HealthSettings::new().with_ejection(ejection));
    (hangs, well, backend)
}

#[tokio::test]
async fn endpoint_that_takes_too_long_is_ejected() {
    let soon = Some(Duration::from_millis(300));
    let by_try = Timeouts {
        backend_request: soon,
        ..Timeouts::default()
    };
    let by_request = Timeouts {
        request: soon,
        ..Timeouts::default()
    };
    let breaker = CircuitBreaker::new();
    for (timeouts, guarded) in [(by_try, false), (by_request, false), (by_try, true)] {
        let (hangs, _well, mut backend) = hanging().await;
        if guarded {
            backend = backend.with_circuit_breaker(breaker.clone());
        }
        let site = Site::new()
            .rule(rule().with_timeouts(timeouts))
            .backend_of("origin", backend);
        let gateway = TestGateway::single(&site);
        let mut client = Client::http1(gateway.address()).await;

        let mut late = 0;
        for _ in 0..8 {
            late += usize::from(client.get("/").await.status == 504);
        }

        assert_eq!((late, hangs.count()), (1, 1), "{timeouts:?}");
    }
}

#[tokio::test]
async fn client_that_leaves_or_is_slow_itself_ejects_nobody() {
    let (hangs, _well, backend) = hanging().await;
    let timeouts = Timeouts {
        request: Some(Duration::from_millis(300)),
        ..Timeouts::default()
    };
    let site = Site::new()
        .rule(rule().with_timeouts(timeouts))
        .backend_of("origin", backend);
    let gateway = TestGateway::single(&site);

    // Requests with a body that does not end, of which one or two are for the one that hangs.
    for _ in 0..3 {
        let mut client = Client::http1(gateway.address()).await;
        let never = futures_util::stream::pending::<Result<Frame<bytes::Bytes>, std::io::Error>>();
        let request = Request::post("/").header("host", "a.test");
        let request = request.body(StreamBody::new(never).boxed_unsync()).unwrap();
        let call = tokio::time::timeout(Duration::from_millis(600), client.send(request));
        drop(call.await);
    }
    // And of clients that leave.
    for _ in 0..3 {
        let mut client = Client::http1(gateway.address()).await;
        let call = tokio::time::timeout(Duration::from_millis(50), client.get("/"));
        drop(call.await);
    }
    let before = hangs.count();

    let mut client = Client::http1(gateway.address()).await;
    for _ in 0..2 {
        client.get("/").await;
    }

    assert_eq!(hangs.count(), before + 1);
}
