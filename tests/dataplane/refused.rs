//! HTTP/1 that must not pass (RFC 9110, RFC 9112): refused with 4xx or 501, or by
//! closing the connection. Never 502, which would blame the backend, and nothing of
//! it reaches the backend as a complete request.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::time::Duration;

use gateway_core::{Deadlines, Gateway};
use gateway_tests::{Origin, Site, TestGateway, Wire};
use tokio::task::JoinSet;

/// `POST /` with these lines, then the empty line and `body`.
fn post(lines: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n{body}")
}

/// `GET /` with these lines.
fn get(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n\r\n")
}

/// A chunked body as it is given.
fn chunks(body: &str) -> String {
    post("Transfer-Encoding: chunked", body)
}

/// RFC 9112, section 6.1 and 6.3: where a message ends must not be a matter of opinion.
fn framing() -> Vec<String> {
    let body = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let both = [
        "Content-Length: 5",
        "Content-Length: 0",
        "content-length: 44",
    ];
    let codings = [
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "chunked,",
        ",chunked",
        "identity",
        "identity, chunked",
        "xchunked",
        "chunkedx",
        "chunked;q=1",
        "\"chunked\"",
        "chunked\u{b}",
        "\u{b}chunked",
        "\u{c}chunked",
        "chu nked",
        "",
        ";chunked",
        "chunked identity",
        "deflate",
        "x",
        "CHUNKED, identity",
    ];
    let lengths = [
        "+5",
        "-5",
        "0x5",
        "5, 5",
        "5, 6",
        "5 5",
        "",
        "5;",
        "5.0",
        "1e1",
        "five",
        "5\u{b}",
        "\u{b}5",
        "99999999999999999999",
        "18446744073709551616",
        "5_0",
        "\"5\"",
        "5,",
        ",5",
        "0x",
        "\u{661}",
    ];
    let pairs = [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 0",
        "Content-Length: 0\r\nContent-Length: 44",
        "Content-Length: 5\r\ncontent-length: 05x",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding : chunked",
        "Content-Length : 5",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Content-Length:\r\n 5",
        "X: y\r\n Transfer-Encoding: chunked",
        "Transfer\u{0}-Encoding: chunked",
    ];

    let mut all = Vec::new();
    for line in both {
        all.push(post(&format!("{line}\r\nTransfer-Encoding: chunked"), body));
        all.push(post(&format!("Transfer-Encoding: chunked\r\n{line}"), body));
    }
    all.extend(codings.map(|coding| post(&format!("Transfer-Encoding: {coding}"), body)));
    all.extend(lengths.map(|length| post(&format!("Content-Length: {length}"), body)));
    all.extend(pairs.map(|lines| post(lines, body)));
    all.push(
        "POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into(),
    );
    all
}

/// RFC 9112, section 7.1.
fn chunk_syntax() -> Vec<String> {
    [
        "g\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "3_\r\nabc\r\n0\r\n\r\n",
        "\r\n",
        " \r\n",
        ";x\r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\r0\r\n\r\n",
        "ffffffffffffffff1\r\nabc",
        "10000000000000000\r\nabc",
        "3 3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nno colon\r\n\r\n",
        "3;x=\ny\r\nabc\r\n0\r\n\r\n",
        "3;\rx\r\nabc\r\n0\r\n\r\n",
        "3,\r\nabc\r\n0\r\n\r\n",
        "\"3\"\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n0\r\nContent-Length : 5\r\n\r\n",
        "3;\u{0}\r\nabc\r\n0\r\n\r\n",
        "3;a=\u{1}\r\nabc\r\n0\r\n\r\n",
        "3;a=\"\u{7f}\"\r\nabc\r\n0\r\n\r\n",
    ]
    .map(chunks)
    .into()
}

/// RFC 9112, section 2.2 and 5: lines and fields.
fn fields() -> Vec<String> {
    let lines = [
        "X : y",
        "X y",
        ": y",
        "X\t: y",
        " X: y",
        "\tX: y",
        "X: y\r\n folded",
        "X: y\r\n\tfolded",
        "X\u{0}: y",
        "X: \u{0}",
        "X: a\u{0}b",
        "X: a\u{1}b",
        "X: \u{7f}",
        "X: a\rb",
        "X(: y",
        "X): y",
        "X<: y",
        "X@: y",
        "X,: y",
        "X;: y",
        "X\\: y",
        "X\": y",
        "X/: y",
        "X[: y",
        "X]: y",
        "X?: y",
        "X=: y",
        "X{: y",
        "X}: y",
        "X\u{e9}: y",
        "\u{200b}X: y",
        "X: \u{8}",
    ];
    lines.map(get).into()
}

/// RFC 9112, section 3: the request line.
fn request_lines() -> Vec<String> {
    [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / HTTP/1.2x",
        "GET / HTTP/2.0",
        "GET / HTTP/3",
        "GET / HTTP/0.9",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/11",
        "GET / HTTP/1,1",
        "GET / HTP/1.1",
        "GET / ",
        "GET /",
        "GET",
        "/",
        "G\u{0}T / HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET / HTTP/1.1\u{0}",
        "GET /\u{0} HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "GET foo HTTP/1.1",
        "GET a.test HTTP/1.1",
        "GET a.test:80 HTTP/1.1",
        "GET ?x HTTP/1.1",
        "GET * HTTP/1.1",
        "POST * HTTP/1.1",
        "GET //\\ HTTP/1.1",
        "GET /\u{e9} HTTP/1.1",
        "GET /%zz HTTP/1.1",
        "GET /% HTTP/1.1",
        "GET /%00 HTTP/1.1",
        "GET /a%2fb HTTP/1.1",
        "GET /a%5Cb HTTP/1.1",
        "GET /a\\b HTTP/1.1",
        "GET /.. HTTP/1.1",
        "GET /a/../../b HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "GET http://u@a.test/ HTTP/1.1",
        "GET http://a.test:x/ HTTP/1.1",
        "GET http://a.test:99999/ HTTP/1.1",
        "GET http://a b/ HTTP/1.1",
        "CONNECT a.test:80 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "TRACE / HTTP/1.1",
        "PRI * HTTP/2.0",
        "GET ftp://a.test/ HTTP/1.1",
    ]
    .map(|line| format!("{line}\r\nHost: a.test\r\n\r\n"))
    .into()
}

/// RFC 9112, section 3.2: one host.
fn hosts() -> Vec<String> {
    let hosts = [
        "",
        " ",
        "a.test, b.test",
        "a.test,b.test",
        "a.test b.test",
        "u@a.test",
        "u:p@a.test",
        "a.test/x",
        "a.test?x",
        "a.test#x",
        "http://a.test",
        "a.test:80x",
        "a.test:-1",
        "a.test:99999",
        "a.test:80:80",
        ":80",
        ".",
        "..",
        "[::1",
        "::1",
        "[zz]",
        "a.test\\b",
        "a%2etest",
        "\"a.test\"",
        "a_test\u{e9}",
    ];
    let mut all: Vec<_> = hosts
        .map(|host| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
        .into();
    all.push("GET / HTTP/1.1\r\n\r\n".into());
    all.push("GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n".into());
    all.push("GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n".into());
    all.push("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n".into());
    all
}

/// RFC 9110, section 7.6.1 and 7.8: the connection.
fn connections() -> Vec<String> {
    let named = [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Authorization",
        "X-Forwarded-For",
        "Cookie",
    ];
    let mut all: Vec<_> = named
        .map(|name| get(&format!("Connection: close, {name}")))
        .into();
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket";
    all.push(post(&format!("{upgrade}\r\nContent-Length: 3"), "abc"));
    all.push(post(
        &format!("{upgrade}\r\nTransfer-Encoding: chunked"),
        "3\r\nabc\r\n0\r\n\r\n",
    ));
    all.push(get("Expect: something"));
    all
}

/// RFC 9112, section 2.2, where a bare LF may be taken for a line's end: read so by
/// one side and not by the other, it hides fields and requests.
fn bare_line_feeds() -> Vec<String> {
    vec![
        "GET / HTTP/1.1\nHost: a.test\n\n".into(),
        "GET / HTTP/1.1\r\nHost: a.test\n\r\n".into(),
        "GET / HTTP/1.1\r\nHost: a.test\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n".into(),
        "GET / HTTP/1.1\r\nHost: a.test\r\n\n".into(),
        "GET / HTTP/1.1\nHost: a.test\r\n\r\n".into(),
    ]
}

/// What is too large (RFC 6585, section 5; RFC 9110, section 15.5.15).
fn sizes() -> Vec<String> {
    vec![
        get(&format!("X: {}", "x".repeat(70_000))),
        get(&(0..200)
            .map(|at| format!("X-{at}: y"))
            .collect::<Vec<_>>()
            .join("\r\n")),
        format!(
            "GET /{} HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "x".repeat(70_000)
        ),
    ]
}

async fn refuses(corpus: Vec<String>, at_least: usize) {
    assert!(corpus.len() >= at_least, "{} cases", corpus.len());
    let origin = Origin::echo().await;
    // What is incomplete ends by its deadline.
    let soon = Duration::from_millis(500);
    let deadlines = Deadlines {
        head: soon,
        idle: soon,
        http2_idle: soon,
        stall: soon,
    };
    let builder = Gateway::builder().workers(2).deadlines(deadlines);
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());

    let count = corpus.len();
    let mut tried = JoinSet::new();
    for raw in corpus {
        let wire = Wire::connect(gateway.address()).await;
        tried.spawn(verdict(wire, raw));
    }
    let mut wrong: Vec<_> = tried.join_all().await.into_iter().flatten().collect();
    for seen in origin.requests() {
        if seen.complete {
            wrong.push(format!("the backend saw {} {}", seen.method, seen.target));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is wrong with the answer to `raw`.
async fn verdict(mut wire: Wire, raw: String) -> Option<String> {
    wire.send(&raw).await;
    let shown: String = raw.chars().take(120).collect();
    let first = wire.response().await?;
    if !(400..500).contains(&first.status) && first.status != 501 {
        return Some(format!("{shown:?} got {}", first.status));
    }
    // Nothing behind it is a request.
    let next = wire.response().await?;
    (next.status < 400).then(|| format!("{shown:?} let something through behind it"))
}

#[tokio::test]
async fn ambiguous_framing_is_refused() {
    refuses(framing(), 60).await;
}

#[tokio::test]
async fn broken_chunks_are_the_clients_fault() {
    refuses(chunk_syntax(), 20).await;
}

#[tokio::test]
async fn broken_fields_are_refused() {
    refuses(fields(), 30).await;
}

#[tokio::test]
async fn broken_request_lines_are_refused() {
    refuses(request_lines(), 40).await;
}

#[tokio::test]
async fn broken_hosts_are_refused() {
    refuses(hosts(), 25).await;
}

#[tokio::test]
async fn misuse_of_connection_fields_is_refused() {
    refuses(connections(), 9).await;
}

#[tokio::test]
async fn bare_line_feeds_are_refused() {
    refuses(bare_line_feeds(), 5).await;
}

#[tokio::test]
async fn oversized_heads_are_refused() {
    refuses(sizes(), 3).await;
}
