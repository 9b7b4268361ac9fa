//! Backends that are broken or evil: 502, or a response that visibly breaks off. No
//! byte of theirs reaches another request.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use gateway_tests::{Client, End, RawOrigin, Reply, Site, TestGateway, Wire};

/// What may become of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// 502.
    Refused,
    /// A head, and a body that breaks off; or 502.
    Cut,
    /// It is a response after all, with this status; what is behind it is dropped.
    Passes(u16),
}
use Fate::{Cut, Passes, Refused};

/// The name of a case, what the backend sends, and what becomes of it.
const CORPUS: &[(&str, &str, Fate)] = &[
    (
        "length and chunks",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "chunks and length",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "unknown coding",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        Refused,
    ),
    (
        "coding before chunked",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "chunked twice",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "chunked and identity",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "coding in HTTP/1.0",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Refused,
    ),
    (
        "two lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        Refused,
    ),
    (
        "list of lengths",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd",
        Refused,
    ),
    (
        "length with a sign",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        Refused,
    ),
    (
        "negative length",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        Refused,
    ),
    (
        "hexadecimal length",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc",
        Refused,
    ),
    (
        "length beyond all bounds",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        Refused,
    ),
    (
        "empty length",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc",
        Refused,
    ),
    ("no HTTP at all", "SSH-2.0-OpenSSH_9.0\r\n\r\n", Refused),
    ("garbage", "\u{0}\u{1}\u{2}\u{3}\r\n\r\n", Refused),
    (
        "HTTP/2 preface",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        Refused,
    ),
    (
        "a request",
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        Refused,
    ),
    ("status of two digits", "HTTP/1.1 99 X\r\n\r\n", Refused),
    ("status of four digits", "HTTP/1.1 2000 X\r\n\r\n", Refused),
    ("status of letters", "HTTP/1.1 abc X\r\n\r\n", Refused),
    (
        "version from the future",
        "HTTP/9.9 200 OK\r\n\r\n",
        Refused,
    ),
    (
        "space before a colon",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        Refused,
    ),
    (
        "folded field",
        "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n",
        Refused,
    ),
    (
        "NUL in a value",
        "HTTP/1.1 200 OK\r\nX: \u{0}\r\n\r\n",
        Refused,
    ),
    ("nothing", "", Refused),
    ("half a status line", "HTTP/1.1 20", Refused),
    ("half a head", "HTTP/1.1 200 OK\r\nX: y\r\n", Refused),
    (
        "switch of protocols nobody asked for",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbytes",
        Refused,
    ),
    (
        "only informational responses",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        Refused,
    ),
    (
        "less than its length",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        Cut,
    ),
    (
        "no last chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        Cut,
    ),
    (
        "no end of the trailers",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n",
        Cut,
    ),
    (
        "chunk size of letters",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
        Cut,
    ),
    (
        "chunk size with a sign",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
        Cut,
    ),
    (
        "chunk size beyond all bounds",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc",
        Cut,
    ),
    (
        "chunk without its end",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        Cut,
    ),
    (
        "negative chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        Cut,
    ),
    (
        "more than its length",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil",
        Passes(200),
    ),
    (
        "a second response",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil",
        Passes(200),
    ),
    (
        "body of a 204",
        "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil",
        Passes(204),
    ),
    (
        "body of a 304",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
        Passes(304),
    ),
    (
        "more behind the last chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil",
        Passes(200),
    ),
    (
        "no length, until the end",
        "HTTP/1.1 200 OK\r\n\r\nabc",
        Passes(200),
    ),
    (
        "status nobody knows",
        "HTTP/1.1 599 X\r\nContent-Length: 0\r\n\r\n",
        Passes(599),
    ),
    (
        "no reason",
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        Passes(200),
    ),
];

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const GOOD: &str = "HTTP/1.1 200 OK\r\nX-Good: 1\r\nContent-Length: 4\r\n\r\ngood";

/// Answers the first request with `bytes` and all others well.
async fn evil_once(bytes: Vec<u8>) -> (TestGateway, gateway_tests::Scripted) {
    let evil = std::sync::Arc::new(std::sync::Mutex::new(Some(bytes)));
    let origin = RawOrigin::bind().await.script(move |mut wire| {
        let evil = std::sync::Arc::clone(&evil);
        async move {
            while wire.request().await.is_some() {
                let bytes = evil.lock().unwrap().take();
                match bytes {
                    Some(bytes) => {
                        wire.send(bytes).await;
                        wire.finish().await;
                    }
                    None => wire.send(GOOD).await,
                }
            }
        }
    });
    (TestGateway::single(&Site::to(origin.address())), origin)
}

async fn is_well(gateway: &TestGateway, wire: &mut Wire) -> bool {
    let mut another = Wire::connect(gateway.address()).await;
    another.send(GET).await;
    let good = |answer: Option<gateway_tests::Answer>| {
        answer.is_some_and(|answer| {
            answer.text() == "good"
                && answer.headers.contains_key("x-good")
                && !answer.headers.contains_key("x-evil")
        })
    };
    let other = good(another.response().await);
    wire.send(GET).await;
    // A connection whose response broke off is closed; that is well, too.
    let same = wire.response().await;
    other && (same.is_none() || good(same))
}

#[tokio::test]
async fn hostile_answers_hurt_their_request_alone() {
    let mut wrong = Vec::new();
    for (name, bytes, fate) in CORPUS {
        let (gateway, _origin) = evil_once(bytes.as_bytes().to_vec()).await;
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(GET).await;
        let answer = wire.response().await;

        let is_right = match (fate, &answer) {
            (Refused, Some(answer)) => answer.status == 502 && answer.end == End::Complete,
            (Cut, Some(answer)) => answer.status == 502 || answer.end == End::Truncated,
            (Cut, None) => true,
            (Passes(status), Some(answer)) => {
                answer.status == *status
                    && answer.end == End::Complete
                    && !answer.text().contains("evil")
            }
            (Refused | Passes(_), None) => false,
        };
        if !is_right {
            let answer = answer.map(|answer| (answer.status, answer.end, answer.body));
            wrong.push(format!("{name}: {answer:?}"));
        }
        if !is_well(&gateway, &mut wire).await {
            wrong.push(format!("{name}: poisoned what came after"));
        }
    }

    assert!(CORPUS.len() >= 23);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn hostile_answers_hurt_one_stream_alone() {
    let mut wrong = Vec::new();
    for (name, bytes, fate) in CORPUS {
        let (gateway, _origin) = evil_once(bytes.as_bytes().to_vec()).await;
        let mut client = Client::http2(gateway.address()).await;

        let outcome = match client.send(Client::request("/")).await {
            Ok(response) => {
                let reply = Reply::read(response).await;
                reply.complete.then(|| reply.status.as_u16())
            }
            // The reset of a stream can overtake its head.
            Err(_) => None,
        };

        let is_right = match fate {
            Refused => outcome == Some(502),
            Cut => matches!(outcome, None | Some(502)),
            Passes(status) => outcome == Some(*status),
        };
        if !is_right {
            wrong.push(format!("{name}: {outcome:?}"));
        }
        let next = client.get("/").await;
        if next.text() != "good" {
            wrong.push(format!("{name}: poisoned what came after"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn flood_of_informational_responses_ends() {
    let hints = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(20_000);
    let (gateway, _origin) = evil_once((hints + GOOD).into_bytes()).await;
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send(GET).await;

    assert_eq!(wire.response().await.unwrap().status, 502);
    assert!(is_well(&gateway, &mut wire).await);
}

#[tokio::test]
async fn head_without_end_ends() {
    for evil in [
        format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(1 << 20)),
        format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(100_000)),
        format!("HTTP/1.1 200 {}", "y".repeat(1 << 20)),
    ] {
        let (gateway, _origin) = evil_once(evil.into_bytes()).await;
        let mut wire = Wire::connect(gateway.address()).await;

        wire.send(GET).await;

        assert_eq!(wire.response().await.unwrap().status, 502);
        assert!(is_well(&gateway, &mut wire).await);
    }
}

#[tokio::test]
async fn bytes_before_a_request_are_no_answer_to_it() {
    // The second response is there before anybody asked, on an idle connection.
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    backend.send(GOOD).await;
    client.response().await.unwrap();

    backend
        .send("HTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil")
        .await;
    // The gateway notices by itself, or with the next request.
    client.send(GET).await;
    let served = async {
        let mut backend = origin.accept().await;
        backend.head().await.unwrap();
        backend.send(GOOD).await;
        backend
    };
    let (answer, _backend) = tokio::join!(client.response(), served);

    assert_eq!(answer.unwrap().text(), "good");
}

#[tokio::test]
async fn backend_that_speaks_http1_where_http2_is_configured_is_502() {
    let origin = RawOrigin::bind().await.script(|mut wire| async move {
        wire.read(24).await;
        wire.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            .await;
    });
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    for _ in 0..2 {
        wire.send(GET).await;
        assert_eq!(wire.response().await.unwrap().status, 502);
    }
}

#[tokio::test]
async fn backend_that_accepts_and_leaves_is_502() {
    for site in [Site::to, Site::to_h2c] {
        let origin = RawOrigin::bind().await.script(|wire| async move {
            drop(wire);
        });
        let gateway = TestGateway::single(&site(origin.address()));
        let mut wire = Wire::connect(gateway.address()).await;

        for _ in 0..3 {
            wire.send(GET).await;
            assert_eq!(wire.response().await.unwrap().status, 502);
        }
    }
}
