//! HTTP/2 clients with prior knowledge.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use gateway_tests::frames::{END_HEADERS, END_STREAM, Frames, Outcome, block, kind};
use gateway_tests::{Client, Origin, Site, TestGateway, Wire, answer, patiently};
use http::StatusCode;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

type Fields = &'static [(&'static str, &'static str)];

const GET: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "a.test"),
];

const POST: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "a.test"),
];

async fn front() -> (TestGateway, Origin) {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    (gateway, origin)
}

#[tokio::test]
async fn streams_of_one_connection_run_at_the_same_time() {
    let together = Arc::new(Barrier::new(50));
    let origin = Origin::http1(move |_| {
        let together = Arc::clone(&together);
        async move {
            together.wait().await;
            answer(200, "together")
        }
    })
    .await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let client = Client::http2(gateway.address()).await;

    let mut streams = JoinSet::new();
    for _ in 0..50 {
        let mut client = client.another();
        streams.spawn(async move { client.get("/").await.status });
    }

    let statuses = streams.join_all().await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
}

#[tokio::test]
async fn more_streams_than_are_allowed_wait_their_turn() {
    let (gateway, origin) = front().await;
    let client = Client::http2(gateway.address()).await;

    let mut streams = JoinSet::new();
    for number in 0..500 {
        let mut client = client.another();
        streams.spawn(async move { client.get(&format!("/{number}")).await.status });
    }

    let statuses = streams.join_all().await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(origin.count(), 500);
}

/// Requests that RFC 9113, section 8 calls malformed, and those we refuse.
const MALFORMED: &[Fields] = &[
    &[
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[(":method", "GET"), (":path", "/"), (":authority", "a.test")],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        (":authority", "b.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", ""),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "x"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "*"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "http://b.test/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/ x"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/\r\nx: y"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET / HTTP/1.1\r\nx: y"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "G T"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", ""),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[(":method", "CONNECT"), (":authority", "a.test:80")],
    &[
        (":method", "GET"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "TRACE"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test\r\nx: y"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        (":status", "200"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        (":unknown", "x"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        ("x", "y"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("X", "y"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("", "y"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("x y", "z"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("x:", "z"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("x", "y\r\nz: 1"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("x", "y\nz: 1"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("x", "y\0"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("x\r\nz", "1"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("connection", "close"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("keep-alive", "5"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("proxy-connection", "x"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("upgrade", "websocket"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("transfer-encoding", "chunked"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("te", "gzip"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("content-length", "5"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("content-length", "x"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("content-length", "0"),
        ("content-length", "5"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a.test"),
        ("expect", "x"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/a%2fb"),
        (":authority", "a.test"),
    ],
    &[
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/.."),
        (":authority", "a.test"),
    ],
];

#[tokio::test]
async fn malformed_requests_are_refused() {
    let (gateway, origin) = front().await;

    let mut wrong = Vec::new();
    for fields in MALFORMED {
        let mut frames = Frames::connect(gateway.address()).await;
        frames.request(1, fields).await;
        let outcome = frames.outcome(1).await;
        if !outcome.is_refusal() {
            wrong.push(format!("{fields:?}: {outcome:?}"));
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn body_that_is_not_as_long_as_it_says_never_looks_finished() {
    let (gateway, origin) = front().await;
    for (length, body) in [("5", "abc"), ("2", "abc"), ("0", "abc")] {
        let mut frames = Frames::connect(gateway.address()).await;
        let mut fields = POST.to_vec();
        fields.push(("content-length", length));
        frames
            .send(kind::HEADERS, END_HEADERS, 1, &block(&fields))
            .await;
        frames
            .send(kind::DATA, END_STREAM, 1, body.as_bytes())
            .await;

        assert!(frames.outcome(1).await.is_refusal(), "{length} {body}");
    }
    assert!(origin.requests().iter().all(|seen| !seen.complete));
}

#[tokio::test]
async fn trailers_with_pseudo_fields_never_reach_the_backend() {
    let (gateway, origin) = front().await;
    let mut frames = Frames::connect(gateway.address()).await;

    frames
        .send(kind::HEADERS, END_HEADERS, 1, &block(&POST))
        .await;
    frames.send(kind::DATA, 0, 1, b"abc").await;
    let trailers = block(&[(":path", "/evil"), ("x-trailer", "1")]);
    frames
        .send(kind::HEADERS, END_HEADERS | END_STREAM, 1, &trailers)
        .await;
    frames.outcome(1).await;

    for seen in origin.requests() {
        assert_eq!(seen.target, "/");
        assert!(
            seen.trailers
                .keys()
                .all(|name| !name.as_str().contains("path"))
        );
    }
}

#[tokio::test]
async fn broken_frames_end_the_connection_alone() {
    let (gateway, _origin) = front().await;
    let mut bystander = Client::http2(gateway.address()).await;
    assert_eq!(bystander.get("/").await.status, StatusCode::OK);

    let cases: &[(u8, u8, u32, &[u8])] = &[
        (kind::DATA, 0, 0, b"x"),
        (kind::DATA, 0, 1, b"idle stream"),
        (kind::HEADERS, END_HEADERS, 0, b""),
        (kind::HEADERS, END_HEADERS, 2, b"\x82"),
        (kind::HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"),
        (kind::RST_STREAM, 0, 1, b"\0\0\0\0"),
        (kind::RST_STREAM, 0, 0, b"\0\0\0\0"),
        (kind::SETTINGS, 0, 1, b""),
        (kind::SETTINGS, 0, 0, b"x"),
        (kind::PING, 0, 0, b"short"),
        (kind::PING, 0, 1, b"12345678"),
        (kind::WINDOW_UPDATE, 0, 0, b"\0\0\0\0"),
        (kind::CONTINUATION, END_HEADERS, 1, b""),
        (5, END_HEADERS, 1, b"\0\0\0\x02\x82"),
    ];
    for (kind, flags, stream, payload) in cases {
        let mut frames = Frames::connect(gateway.address()).await;
        frames.send(*kind, *flags, *stream, payload).await;
        let outcome = frames.outcome(u32::MAX).await;
        assert!(matches!(outcome, Outcome::Closed(_)), "{kind} {payload:?}");
    }

    assert_eq!(bystander.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn bad_preface_ends_the_connection() {
    let (gateway, origin) = front().await;
    for preface in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        "PRI * HTTP/2.0\r\nHost: a.test\r\n\r\n",
        "PRI * HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ] {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(preface).await;
        let answer = wire.response().await;
        assert!(
            answer.is_none_or(|answer| answer.status >= 400),
            "{preface:?}"
        );
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn preface_in_pieces_is_understood() {
    let (gateway, _origin) = front().await;
    let mut wire = Wire::connect(gateway.address()).await;

    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        wire.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    wire.send([0, 0, 0, kind::SETTINGS, 0, 0, 0, 0, 0]).await;

    let head = wire.read(9).await.unwrap();
    assert_eq!(head[3], kind::SETTINGS);
}

#[tokio::test]
async fn rapid_resets_end_their_connection_and_hurt_nobody() {
    let (gateway, _origin) = front().await;
    let mut bystander = Client::http2(gateway.address()).await;
    let mut frames = Frames::connect(gateway.address()).await;

    let flood = async {
        for stream in (1..20_001).step_by(2) {
            frames.request(stream, &GET).await;
            frames
                .send(kind::RST_STREAM, 0, stream, &[0, 0, 0, 8])
                .await;
        }
        frames.outcome(u32::MAX).await
    };
    let outcome = patiently("the end of the flood", flood).await;

    assert!(matches!(outcome, Outcome::Closed(_)));
    assert_eq!(bystander.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn continuation_flood_ends_its_connection() {
    let (gateway, _origin) = front().await;
    let mut frames = Frames::connect(gateway.address()).await;

    frames
        .send(kind::HEADERS, END_STREAM, 1, &block(&GET))
        .await;
    for _ in 0..10_000 {
        frames
            .send(
                kind::CONTINUATION,
                0,
                1,
                &block(&[("x", "yyyyyyyyyyyyyyyy")]),
            )
            .await;
    }

    assert!(matches!(
        frames.outcome(1).await,
        Outcome::Closed(_) | Outcome::Status(431)
    ));
}
