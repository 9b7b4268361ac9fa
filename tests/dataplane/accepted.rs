//! HTTP/1 that is odd and right, and must pass.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use gateway_tests::{Origin, Site, TestGateway, Wire};

/// The name of a case, its bytes, and how often they must be answered with 200.
const CORPUS: &[(&str, &str, usize)] = &[
    ("ordinary", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", 1),
    (
        "empty line before",
        "\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "two empty lines before",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "no space behind a colon",
        "GET / HTTP/1.1\r\nHost:a.test\r\n\r\n",
        1,
    ),
    (
        "spaces around a value",
        "GET / HTTP/1.1\r\nHost: \t a.test \t\r\nX:\t y \r\n\r\n",
        1,
    ),
    (
        "empty value",
        "GET / HTTP/1.1\r\nHost: a.test\r\nX:\r\n\r\n",
        1,
    ),
    (
        "obs-text in a value",
        "GET / HTTP/1.1\r\nHost: a.test\r\nX: \u{e9}\r\n\r\n",
        1,
    ),
    (
        "every byte a name can have",
        "GET / HTTP/1.1\r\nHost: a.test\r\n!#$%&'*+-.^_`|~09azAZ: y\r\n\r\n",
        1,
    ),
    (
        "tab in a value",
        "GET / HTTP/1.1\r\nHost: a.test\r\nX: a\tb\r\n\r\n",
        1,
    ),
    (
        "any case of names",
        "GET / HTTP/1.1\r\nhOST: a.test\r\n\r\n",
        1,
    ),
    (
        "any case of the host",
        "GET / HTTP/1.1\r\nHost: A.TEST\r\n\r\n",
        1,
    ),
    (
        "host with a port",
        "GET / HTTP/1.1\r\nHost: a.test:8080\r\n\r\n",
        1,
    ),
    (
        "host with an empty port",
        "GET / HTTP/1.1\r\nHost: a.test:\r\n\r\n",
        1,
    ),
    (
        "IPv4 host",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n",
        1,
    ),
    ("IPv6 host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 1),
    (
        "absolute form",
        "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "absolute form without a path",
        "GET http://a.test HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "absolute form of another host",
        "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "absolute form with a query and no path",
        "GET http://a.test?x HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "absolute form in upper case",
        "GET HTTP://A.TEST/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", 1),
    (
        "method nobody knows",
        "BREW /pot HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "method in lower case",
        "get / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "odd and right target",
        "GET /a;b=c/d:e@f!$&'()*+,=~?/?:@[]{}|^` HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "question mark alone",
        "GET /? HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "dots that are no segments",
        "GET /a..b/.c/...d HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "dot segments",
        "GET /a/./b/../c HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "slashes in a query",
        "GET /?a=//../%2f%00 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "HTTP/1.0 with a host",
        "GET / HTTP/1.0\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "length zero",
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n",
        1,
    ),
    (
        "leading zeros of a length",
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 003\r\n\r\nabc",
        1,
    ),
    (
        "post without a body",
        "POST / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
    (
        "get with a body",
        "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc",
        1,
    ),
    (
        "chunked in any case",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        1,
    ),
    (
        "chunk sizes in any case",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
        1,
    ),
    (
        "leading zeros of a chunk",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n000\r\n\r\n",
        1,
    ),
    (
        "chunk extensions",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b;c=\"d e\";f\r\nabc\r\n0;x\r\n\r\n",
        1,
    ),
    (
        "trailers",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
        1,
    ),
    (
        "trailers nobody announced",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\nZ:\r\n\r\n",
        1,
    ),
    (
        "two requests at once",
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        2,
    ),
    (
        "request behind a length",
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        2,
    ),
    (
        "request behind chunks",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        2,
    ),
    (
        "empty line behind a body",
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        2,
    ),
    (
        "closing",
        "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        1,
    ),
    (
        "nominated field",
        "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: x-a, X-B\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
        1,
    ),
    (
        "unknown upgrade nobody asks the connection for",
        "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: x\r\n\r\n",
        1,
    ),
    (
        "h2c upgrade",
        "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        1,
    ),
    (
        "repeated fields",
        "GET / HTTP/1.1\r\nHost: a.test\r\nX: 1\r\nX: 2\r\n\r\n",
        1,
    ),
    ("many fields", MANY, 1),
    (
        "TE",
        "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: TE\r\nTE: trailers, deflate;q=0.5\r\n\r\n",
        1,
    ),
    (
        "request of PRI",
        "PRIX / HTTP/1.1\r\nHost: a.test\r\n\r\n",
        1,
    ),
];

const MANY: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\nI: 1\r\nJ: 1\r\nK: 1\r\nL: 1\r\nM: 1\r\nN: 1\r\nO: 1\r\nP: 1\r\nQ: 1\r\nR: 1\r\nS: 1\r\nT: 1\r\nU: 1\r\nV: 1\r\nW: 1\r\nX: 1\r\nY: 1\r\nZ: 1\r\n\r\n";

#[tokio::test]
async fn odd_and_right_requests_pass() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));

    let mut wrong = Vec::new();
    for (name, raw, expected) in CORPUS {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(raw).await;
        for number in 0..*expected {
            let answer = wire.response().await;
            let status = answer.map(|answer| answer.status);
            if status != Some(200) {
                wrong.push(format!("{name}, request {number}: {status:?}"));
            }
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let expected: usize = CORPUS.iter().map(|(_, _, count)| count).sum();
    assert_eq!(origin.count(), expected);
    assert!(origin.requests().iter().all(|seen| seen.complete));
}

/// However a request is cut into segments, it is the same request.
#[tokio::test]
async fn requests_pass_byte_by_byte() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let raw = "POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3;e\r\nabc\r\n0\r\n\r\n";
    let mut wire = Wire::connect(gateway.address()).await;

    for byte in raw.bytes() {
        wire.send([byte]).await;
        tokio::task::yield_now().await;
    }

    let answer = wire.response().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.echo()["body"], "abc");
}
