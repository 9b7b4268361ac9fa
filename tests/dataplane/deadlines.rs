//! Clients that keep the gateway waiting, and those that only seem to.
//!
//! A ticker looks at connections four times a second, so times are real here.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::time::Duration;

use gateway_core::{Deadlines, Gateway};
use gateway_tests::frames::{Frames, kind};
use gateway_tests::{Client, Origin, RawOrigin, Site, TestGateway, Wire};
use tokio::time::Instant;

const SHORT: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(3600);

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Nothing is ever late.
fn patient() -> Deadlines {
    Deadlines {
        head: LONG,
        idle: LONG,
        http2_idle: LONG,
        stall: LONG,
    }
}

fn serve(deadlines: Deadlines, site: &Site) -> TestGateway {
    let builder = Gateway::builder().workers(1).deadlines(deadlines);
    TestGateway::serve(builder, site.configuration())
}

#[tokio::test]
async fn silence_before_the_first_byte_ends_the_connection() {
    let gateway = serve(
        Deadlines {
            head: SHORT,
            ..patient()
        },
        &Site::new(),
    );
    let started = Instant::now();
    let mut wire = Wire::connect(gateway.address()).await;

    assert!(wire.is_ended().await);
    assert!(started.elapsed() >= SHORT / 2);
}

#[tokio::test]
async fn head_that_never_ends_ends_the_connection() {
    let origin = Origin::echo().await;
    let gateway = serve(
        Deadlines {
            head: SHORT,
            ..patient()
        },
        &Site::to(origin.address()),
    );
    // On the first request, and on a later one.
    for first in ["", GET] {
        let mut wire = Wire::connect(gateway.address()).await;
        if !first.is_empty() {
            wire.send(first).await;
            assert_eq!(wire.response().await.unwrap().status, 200);
        }
        wire.send("GET / HTTP/1.1\r\nHost: a.te").await;
        assert!(wire.is_ended().await);
    }
}

#[tokio::test]
async fn preface_that_never_ends_ends_the_connection() {
    let gateway = serve(
        Deadlines {
            head: SHORT,
            ..patient()
        },
        &Site::new(),
    );
    for preface in ["PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(preface).await;
        // The second gets settings first.
        wire.read_to_end().await;
    }
}

#[tokio::test]
async fn idle_connections_end() {
    let origin = Origin::echo().await;
    let deadlines = Deadlines {
        idle: SHORT,
        http2_idle: SHORT,
        ..patient()
    };
    let gateway = serve(deadlines, &Site::to(origin.address()));

    let mut wire = Wire::connect(gateway.address()).await;
    wire.send(GET).await;
    assert_eq!(wire.response().await.unwrap().status, 200);
    assert!(wire.is_ended().await);

    let mut frames = Frames::connect(gateway.address()).await;
    let request = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ];
    frames.request(1, &request).await;
    while frames.read().await.is_some() {}
}

#[tokio::test]
async fn body_that_stalls_ends_the_connection() {
    let origin = Origin::echo().await;
    let gateway = serve(
        Deadlines {
            stall: SHORT,
            ..patient()
        },
        &Site::to(origin.address()),
    );
    for framing in [
        "Content-Length: 10\r\n\r\nhalf",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(format!("POST / HTTP/1.1\r\nHost: a.test\r\n{framing}"))
            .await;
        assert!(
            wire.response()
                .await
                .is_none_or(|answer| answer.status >= 400)
        );
        assert!(wire.is_ended().await);
    }
    origin
        .until("the backend's end", |state| state.open == 0)
        .await;
    assert!(origin.requests().iter().all(|seen| !seen.complete));
}

#[tokio::test]
async fn body_that_trickles_is_not_stalled() {
    let origin = Origin::echo().await;
    let gateway = serve(
        Deadlines {
            stall: SHORT,
            ..patient()
        },
        &Site::to(origin.address()),
    );
    let mut wire = Wire::connect(gateway.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8\r\n\r\n")
        .await;

    let mut pace = tokio::time::interval(SHORT / 4);
    for _ in 0..8 {
        pace.tick().await;
        wire.send("x").await;
    }

    assert_eq!(wire.response().await.unwrap().status, 200);
}

#[tokio::test]
async fn client_that_stops_reading_is_given_up() {
    let origin = RawOrigin::bind().await;
    let gateway = serve(
        Deadlines {
            stall: SHORT,
            ..patient()
        },
        &Site::to(origin.address()),
    );
    let mut wire = Wire::connect(gateway.address()).await;
    wire.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        .await;

    // It takes bytes until all buffers are full, and then the connection ends.
    backend.flood(1_000_000_000, Duration::from_secs(5)).await;

    assert!(backend.is_ended().await);
}

#[tokio::test]
async fn http2_client_that_stops_reading_is_given_up() {
    let origin = RawOrigin::bind().await;
    let gateway = serve(
        Deadlines {
            stall: SHORT,
            ..patient()
        },
        &Site::to(origin.address()),
    );
    let mut client = Client::http2(gateway.address()).await;
    let request = tokio::spawn(async move { (client.send(Client::request("/")).await, client) });
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        .await;
    // The window of the stream stays closed.
    let (_response, _client) = request.await.unwrap();

    backend.flood(1_000_000_000, Duration::from_secs(5)).await;

    assert!(backend.is_ended().await);
}

#[tokio::test]
async fn long_silence_of_the_backend_is_no_fault_of_the_client() {
    let origin = RawOrigin::bind().await;
    let deadlines = Deadlines {
        head: SHORT,
        idle: SHORT,
        http2_idle: SHORT,
        stall: SHORT,
    };
    let gateway = serve(deadlines, &Site::to(origin.address()));

    let mut wire = Wire::connect(gateway.address()).await;
    wire.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    assert!(wire.is_silent_for(SHORT * 3).await);
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")
        .await;
    wire.read_until(b"ha").await.unwrap();
    assert!(wire.is_silent_for(SHORT * 3).await);
    backend.send("lf").await;

    assert_eq!(wire.read(2).await.unwrap(), b"lf");
}

#[tokio::test]
async fn client_that_has_sent_everything_may_wait_for_an_upload_to_be_answered() {
    let origin = RawOrigin::bind().await;
    let gateway = serve(
        Deadlines {
            stall: SHORT,
            ..patient()
        },
        &Site::to(origin.address()),
    );
    for framing in [
        "Content-Length: 4\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ] {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(format!("POST / HTTP/1.1\r\nHost: a.test\r\n{framing}"))
            .await;
        let mut backend = origin.accept().await;
        backend.request().await.unwrap();

        assert!(wire.is_silent_for(SHORT * 3).await);

        backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(wire.response().await.unwrap().status, 204);
    }
}

#[tokio::test]
async fn quiet_tunnel_is_left_alone() {
    let origin = RawOrigin::bind().await;
    let deadlines = Deadlines {
        head: SHORT,
        idle: SHORT,
        http2_idle: SHORT,
        stall: SHORT,
    };
    let gateway = serve(deadlines, &Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    backend
        .send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .await;
    wire.head().await.unwrap();

    assert!(wire.is_silent_for(SHORT * 3).await);

    backend.send("bytes").await;
    assert_eq!(wire.read(5).await.unwrap(), b"bytes");
}

#[tokio::test]
async fn http2_streams_that_wait_keep_their_connection() {
    let origin = RawOrigin::bind().await;
    let deadlines = Deadlines {
        head: SHORT,
        idle: SHORT,
        http2_idle: SHORT,
        stall: SHORT,
    };
    let gateway = serve(deadlines, &Site::to(origin.address()));
    let mut frames = Frames::connect(gateway.address()).await;
    let request = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ];
    frames.request(1, &request).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    assert!(backend.is_silent_for(SHORT * 3).await);

    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    loop {
        let frame = frames.read().await.expect("the connection lives");
        if frame.kind == kind::HEADERS {
            break;
        }
    }
}
