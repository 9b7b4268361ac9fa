//! What HTTP promises, kept through the gateway.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use gateway_tests::{Client, Origin, RawOrigin, Site, TestGateway, Wire, answer};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};

async fn front(origin: &Origin) -> (TestGateway, Wire) {
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let wire = Wire::connect(gateway.address()).await;
    (gateway, wire)
}

/// A gateway before a backend that answers everything with `bytes`.
async fn answering(bytes: &str) -> (TestGateway, gateway_tests::Scripted, Wire) {
    let origin = RawOrigin::bind().await.answering(bytes, true);
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let wire = Wire::connect(gateway.address()).await;
    (gateway, origin, wire)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[tokio::test]
async fn head_has_the_length_and_no_body() {
    let origin = RawOrigin::bind()
        .await
        .answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", true);
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    for _ in 0..3 {
        wire.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let answer = wire.response_to("HEAD").await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-length"], "100");
    }

    assert_eq!(origin.connections(), 1);
    let mut two = Client::http2(gateway.address()).await;
    let head = Request::head("/").header("host", "a.test");
    let reply = two.call(head.body(Full::default()).unwrap()).await;
    assert_eq!(reply.headers["content-length"], "100");
    assert!(reply.body.is_empty() && reply.complete);
}

#[tokio::test]
async fn responses_without_a_body_end_at_their_head() {
    for (status, head) in [
        (204, "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            304,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\nETag: \"x\"\r\n\r\n",
        ),
    ] {
        let (_gateway, origin, mut wire) = answering(head).await;

        for _ in 0..3 {
            wire.send(GET).await;
            assert_eq!(wire.response().await.unwrap().status, status);
        }

        assert_eq!(origin.connections(), 1);
    }
}

#[tokio::test]
async fn informational_responses_do_not_pass_for_final_ones() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (gateway, _origin, mut wire) = answering(&format!(
        "{hints}HTTP/1.1 100 Continue\r\n\r\n{hints}{last}"
    ))
    .await;

    for _ in 0..2 {
        wire.send(GET).await;
        let answer = wire.response().await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, "ok"));
    }
    let reply = Client::http2(gateway.address()).await.get("/").await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "ok"));
}

#[tokio::test]
async fn expectation_is_met_by_the_gateway_alone() {
    let origin = Origin::echo().await;
    let (_gateway, mut wire) = front(&origin).await;

    wire.send(
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    let head = wire.head().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 100 "), "{head}");
    wire.send("body").await;
    let answer = wire.response().await.unwrap();

    assert_eq!(answer.status, 200);
    assert!(answer.informational.is_empty());
    assert_eq!(&*origin.last().body, b"body");
    // Whoever answered it must not ask for another answer.
    assert_eq!(origin.last().header("expect"), None);
}

#[tokio::test]
async fn refused_request_gets_no_100() {
    let origin = Origin::echo().await;
    let (_gateway, mut wire) = front(&origin).await;

    wire.send(
        "POST /a%2fb HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    )
    .await;
    let answer = wire.response().await.unwrap();

    assert_eq!(answer.status, 400);
    assert!(answer.informational.is_empty());
}

#[tokio::test]
async fn other_expectations_are_417() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));

    for expect in ["101-wait", "100-continue, more", ""] {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(format!(
            "GET / HTTP/1.1\r\nHost: a.test\r\nExpect: {expect}\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.response().await.unwrap().status, 417, "{expect:?}");
    }
    assert_eq!(origin.count(), 0);
}

/// A body of `text` and one trailer.
fn trailed(
    text: &'static str,
    name: &'static str,
) -> StreamBody<impl futures_util::Stream<Item = Result<Frame<bytes::Bytes>, std::io::Error>>> {
    let mut trailers = HeaderMap::new();
    trailers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
    trailers.insert("authorization", HeaderValue::from_static("smuggled"));
    trailers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6"));
    let frames = [
        Ok(Frame::data(bytes::Bytes::from_static(text.as_bytes()))),
        Ok(Frame::trailers(trailers)),
    ];
    StreamBody::new(futures_util::stream::iter(frames))
}

/// An origin that answers with a trailer, and remembers the request's.
async fn with_trailers(http2: bool) -> (Origin, std::sync::Arc<std::sync::Mutex<HeaderMap>>) {
    let got = std::sync::Arc::new(std::sync::Mutex::new(HeaderMap::new()));
    let handler = {
        let got = std::sync::Arc::clone(&got);
        move |request: Request<gateway_tests::Incoming>| {
            let got = std::sync::Arc::clone(&got);
            async move {
                let body = request.into_body().collect().await.unwrap();
                *got.lock().unwrap() = body.trailers().cloned().unwrap_or_default();
                let body = trailed("answer", "x-back")
                    .map_err(Into::into)
                    .boxed_unsync();
                let mut response = Response::new(body);
                let named = "x-back, authorization, x-forwarded-for";
                response
                    .headers_mut()
                    .insert("trailer", HeaderValue::from_static(named));
                response
            }
        }
    };
    let origin = if http2 {
        Origin::h2c(handler).await
    } else {
        Origin::http1(handler).await
    };
    (origin, got)
}

#[tokio::test]
async fn trailers_pass_in_every_pair_of_versions_without_what_does_not_belong_there() {
    for (down, up) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let (origin, got) = with_trailers(up == 2).await;
        let site = match up {
            1 => Site::to(origin.address()),
            _ => Site::to_h2c(origin.address()),
        };
        let gateway = TestGateway::single(&site);
        let mut client = match down {
            1 => Client::http1(gateway.address()).await,
            _ => Client::http2(gateway.address()).await,
        };
        let request = Request::post("/")
            .header("host", "a.test")
            .header("te", "trailers")
            .header("trailer", "x-forth, authorization, x-forwarded-for")
            .body(trailed("question", "x-forth"))
            .unwrap();

        let reply = client.call(request).await;

        assert_eq!(reply.text(), "answer", "{down} to {up}");
        let names = |trailers: &HeaderMap| -> Vec<String> {
            trailers.keys().map(ToString::to_string).collect()
        };
        assert_eq!(names(&got.lock().unwrap()), ["x-forth"], "{down} to {up}");
        let back = reply.trailers.unwrap_or_default();
        assert_eq!(names(&back), ["x-back"], "{down} to {up}");
    }
}

#[tokio::test]
async fn grpc_status_passes_unannounced_over_http2() {
    let origin = Origin::h2c(|_| async {
        let body = trailed("message", "grpc-status").map_err(Into::into);
        Response::new(body.boxed_unsync())
    })
    .await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));

    let reply = Client::http2(gateway.address()).await.get("/").await;

    assert_eq!(reply.trailers.unwrap()["grpc-status"], "1");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::echo().await;
    let (_gateway, mut wire) = front(&origin).await;

    let requests: String = (0..20)
        .map(|number| {
            format!("POST /{number} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc")
        })
        .collect();
    wire.send(requests).await;

    for number in 0..20 {
        let answer = wire.response().await.unwrap();
        assert_eq!(answer.echo()["path"], format!("/{number}"));
        assert_eq!(answer.echo()["body"], "abc");
    }
}

#[tokio::test]
async fn http10_client_gets_http10() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (_gateway, _origin, mut wire) = answering(chunked).await;

    wire.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let answer = wire.response().await.unwrap();

    assert!(!answer.headers.contains_key("transfer-encoding"));
    assert_eq!(answer.text(), "abc");
    assert!(wire.is_ended().await);
}

#[tokio::test]
async fn http10_client_that_asks_for_it_keeps_its_connection() {
    let origin = Origin::echo().await;
    let (_gateway, mut wire) = front(&origin).await;

    for _ in 0..2 {
        wire.send("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
            .await;
        let answer = wire.response().await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["connection"], "keep-alive");
        assert_eq!(answer.echo()["proto"], "HTTP/1.1");
    }
}

#[tokio::test]
async fn http10_backend_is_understood() {
    let origin = RawOrigin::bind().await.script(|mut wire| async move {
        wire.request().await;
        wire.send("HTTP/1.0 200 OK\r\n\r\nuntil the end").await;
    });
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    for _ in 0..2 {
        wire.send(GET).await;
        let answer = wire.response().await.unwrap();
        assert_eq!(answer.text(), "until the end");
        assert!(answer.line.starts_with("HTTP/1.1 200"));
    }

    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let origin = Origin::echo().await;
    let (gateway, mut wire) = front(&origin).await;

    for _ in 0..10 {
        wire.send(GET).await;
        assert_eq!(wire.response().await.unwrap().status, 200);
    }
    // Also for another client.
    let reply = Client::http1(gateway.address()).await.get("/").await;
    assert_eq!(reply.status, StatusCode::OK);

    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn close_of_the_client_is_not_the_backends_affair() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));

    for _ in 0..3 {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
            .await;
        let answer = wire.response().await.unwrap();
        assert_eq!(answer.headers["connection"], "close");
        assert!(wire.is_ended().await);
    }

    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn close_of_the_backend_is_not_the_clients_affair() {
    let origin = RawOrigin::bind().await.answering(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        false,
    );
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    for _ in 0..3 {
        wire.send(GET).await;
        let answer = wire.response().await.unwrap();
        assert!(!answer.headers.contains_key("connection"));
    }

    assert_eq!(origin.connections(), 3);
}

#[tokio::test]
async fn connection_that_the_backend_closed_while_idle_costs_no_request() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    for _ in 0..5 {
        wire.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\n\r\nx")
            .await;
        let mut backend = origin.accept().await;
        backend.request().await.unwrap();
        backend
            .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
        drop(backend);
        assert_eq!(wire.response().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn absolute_form_names_the_host() {
    let origin = Origin::echo().await;
    let (_gateway, mut wire) = front(&origin).await;

    wire.send("GET http://b.test:81/x?y=1 HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .await;
    let answer = wire.response().await.unwrap();

    assert_eq!(answer.echo()["host"], "b.test:81");
    assert_eq!(answer.echo()["path"], "/x?y=1");
}

#[tokio::test]
async fn options_of_the_server_itself_passes() {
    for http2 in [false, true] {
        let origin = if http2 {
            Origin::echo_h2c().await
        } else {
            Origin::echo().await
        };
        let site = if http2 {
            Site::to_h2c(origin.address())
        } else {
            Site::to(origin.address())
        };
        let gateway = TestGateway::single(&site);
        let mut wire = Wire::connect(gateway.address()).await;

        wire.send("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n")
            .await;
        let answer = wire.response_to("OPTIONS").await.unwrap();

        assert_eq!(answer.status, 200, "{http2}");
        assert_eq!(answer.echo()["path"], "*");
        assert_eq!(answer.echo()["method"], "OPTIONS");
    }
}

#[tokio::test]
async fn get_with_a_body_keeps_it() {
    let origin = Origin::echo().await;
    let (_gateway, mut wire) = front(&origin).await;

    for framing in [
        "Content-Length: 4\r\n\r\nbody",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ] {
        wire.send(format!("GET / HTTP/1.1\r\nHost: a.test\r\n{framing}"))
            .await;
        assert_eq!(wire.response().await.unwrap().echo()["body"], "body");
    }
}

#[tokio::test]
async fn body_from_http2_without_a_length_reaches_http1_whole() {
    for method in ["GET", "POST", "DELETE"] {
        let origin = Origin::echo().await;
        let gateway = TestGateway::single(&Site::to(origin.address()));
        let body = StreamBody::new(futures_util::stream::iter([
            Ok::<_, std::io::Error>(Frame::data("one ".into())),
            Ok(Frame::data("two".into())),
        ]));
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header("host", "a.test")
            .body(body)
            .unwrap();

        let reply = Client::http2(gateway.address()).await.call(request).await;

        assert_eq!(reply.echo()["body"], "one two", "{method}");
    }
}

#[tokio::test]
async fn every_status_and_field_comes_through() {
    let origin = Origin::http1(|request| async move {
        let status = request.uri().path()[1..].parse().unwrap();
        let mut response = answer(status, "body");
        let headers = response.headers_mut();
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static("b=2"));
        headers.insert("x-bytes", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        response
    })
    .await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut one = Client::http1(gateway.address()).await;
    let mut two = Client::http2(gateway.address()).await;

    for status in [
        200, 201, 206, 226, 301, 400, 401, 404, 418, 429, 451, 500, 503, 599, 799,
    ] {
        for client in [&mut one, &mut two] {
            let reply = client.get(&format!("/{status}")).await;
            assert_eq!(reply.status.as_u16(), status);
            assert_eq!(reply.text(), "body");
            assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 2);
            assert_eq!(reply.headers["x-bytes"].as_bytes(), b"\xff\xfe");
        }
    }
}
