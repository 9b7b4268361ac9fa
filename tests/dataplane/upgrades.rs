//! Connections that become something else than HTTP.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use gateway_core::model::{Backend, BackendRef, Rule};
use gateway_lb::balance::Algorithm;
use gateway_tests::{Client, Origin, RawOrigin, Reply, Site, TestGateway, Wire};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Asks for `protocol`.
fn ask(protocol: &str) -> String {
    format!(
        "GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Key: x\r\n\r\n"
    )
}

/// Switches to `protocol`.
fn switch(protocol: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Accept: y\r\n\r\n"
    )
}

struct Pair {
    gateway: TestGateway,
    origin: RawOrigin,
    client: Wire,
    backend: Wire,
}

/// A client whose `request` has arrived at the backend.
async fn asked(request: &str) -> (Pair, String) {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(request).await;
    let mut backend = origin.accept().await;
    let head = backend.head().await.unwrap().to_ascii_lowercase();
    let pair = Pair {
        gateway,
        origin,
        client,
        backend,
    };
    (pair, head)
}

/// A tunnel between a client and a backend.
async fn tunnel() -> Pair {
    let (mut pair, _) = asked(&ask("websocket")).await;
    pair.backend.send(switch("websocket")).await;
    let head = pair.client.head().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    pair
}

#[tokio::test]
async fn handshake_passes_whole() {
    let (mut pair, head) = asked(&ask("websocket")).await;
    assert!(head.starts_with("get /chat http/1.1\r\n"), "{head}");
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("sec-websocket-key: x\r\n"), "{head}");

    pair.backend.send(switch("websocket")).await;
    let head = pair.client.head().await.unwrap().to_ascii_lowercase();

    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("sec-websocket-accept: y\r\n"), "{head}");
}

#[tokio::test]
async fn bytes_flow_both_ways() {
    let mut pair = tunnel().await;

    for number in 0..100 {
        let (ping, pong) = (format!("ping {number:3}"), format!("pong {number:3}"));
        pair.client.send(&ping).await;
        assert_eq!(pair.backend.read(8).await.unwrap(), ping.as_bytes());
        pair.backend.send(&pong).await;
        assert_eq!(pair.client.read(8).await.unwrap(), pong.as_bytes());
    }
}

#[tokio::test]
async fn bytes_right_behind_either_head_are_not_lost() {
    let (mut pair, _) = asked(&(ask("websocket") + "early client")).await;
    pair.backend
        .send(switch("websocket") + "early backend")
        .await;

    pair.client.head().await.unwrap();
    assert_eq!(pair.client.read(13).await.unwrap(), b"early backend");
    assert_eq!(pair.backend.read(12).await.unwrap(), b"early client");
}

#[tokio::test]
async fn each_half_ends_by_itself() {
    let mut pair = tunnel().await;
    pair.client.finish().await;
    assert!(pair.backend.is_ended().await);
    pair.backend.send("still here").await;
    assert_eq!(pair.client.read(10).await.unwrap(), b"still here");
    drop(pair.backend);
    assert!(pair.client.is_ended().await);

    let mut pair = tunnel().await;
    pair.backend.finish().await;
    assert!(pair.client.is_ended().await);
    pair.client.send("still here").await;
    assert_eq!(pair.backend.read(10).await.unwrap(), b"still here");
}

#[tokio::test]
async fn either_side_that_resets_ends_the_other() {
    let mut pair = tunnel().await;
    pair.client.reset();
    pair.backend.read_to_end().await;

    let mut pair = tunnel().await;
    pair.backend.reset();
    pair.client.read_to_end().await;
}

#[tokio::test]
async fn refused_upgrade_leaves_a_connection_to_go_on_with() {
    let origin = Origin::http1(|_| async { gateway_tests::answer(403, "no") }).await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;

    for _ in 0..3 {
        client.send(ask("websocket")).await;
        let answer = client.response().await.unwrap();
        assert_eq!((answer.status, answer.text()), (403, "no"));
    }
    // What follows a refusal is a request, not bytes of a tunnel.
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(client.response().await.unwrap().status, 403);

    assert_eq!(origin.count(), 4);
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn ok_is_no_upgrade() {
    let (mut pair, _) = asked(&ask("websocket")).await;
    pair.backend
        .send("HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok")
        .await;

    let answer = pair.client.response().await.unwrap();

    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert!(!answer.headers.contains_key("upgrade"));
    pair.client
        .send("GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .await;
    let head = pair.backend.head().await.unwrap();
    assert!(head.starts_with("GET /next "), "{head}");
}

#[tokio::test]
async fn h2c_is_an_ordinary_request() {
    for offer in ["h2c", "H2C", "websocket, h2c", "h2c,websocket"] {
        let request = ask(offer).replace("\r\n\r\n", "\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");

        let (mut pair, head) = asked(&request).await;

        assert!(!head.contains("upgrade"), "{head}");
        assert!(!head.contains("http2-settings"), "{head}");
        pair.backend.send(switch("h2c")).await;
        assert_eq!(pair.client.response().await.unwrap().status, 502);
    }
}

#[tokio::test]
async fn protocols_of_any_name_pass() {
    for (offered, chosen) in [
        ("spdy/3.1", "spdy/3.1"),
        ("WebSocket", "websocket"),
        ("websocket, foo/2", "foo/2"),
        ("websocket,foo/2", "websocket"),
        ("a, b, c", "b, a"),
    ] {
        let (mut pair, _) = asked(&ask(offered)).await;
        pair.backend.send(switch(chosen)).await;

        let answer = pair.client.response().await.unwrap();

        assert_eq!(answer.status, 101, "{offered} to {chosen}");
        assert_eq!(answer.headers["upgrade"], chosen);
        pair.client.send("bytes").await;
        assert_eq!(pair.backend.read(5).await.unwrap(), b"bytes");
    }
}

#[tokio::test]
async fn protocol_that_was_not_offered_is_502() {
    for (offered, chosen) in [
        ("websocket", "other"),
        ("websocket", "websocket, other"),
        ("a", ""),
    ] {
        let (mut pair, _) = asked(&ask(offered)).await;
        pair.backend.send(switch(chosen)).await;

        let answer = pair.client.response().await.unwrap();

        assert_eq!(answer.status, 502, "{offered} to {chosen}");
        assert!(pair.backend.is_ended().await);
    }
}

#[tokio::test]
async fn upgrade_without_the_connections_word_is_not_passed() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ] {
        let (_pair, head) = asked(request).await;

        assert!(!head.contains("upgrade"), "{head}");
    }
}

#[tokio::test]
async fn upgrade_with_a_body_is_refused() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));

    for framing in [
        "Content-Length: 3\r\n\r\nabc",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let mut client = Wire::connect(gateway.address()).await;
        client
            .send(ask("websocket").trim_end().to_owned() + "\r\n" + framing)
            .await;
        assert_eq!(client.response().await.unwrap().status, 400);
    }

    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn http2_backend_gets_an_ordinary_request() {
    let origin = Origin::echo_h2c().await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;

    client.send(ask("irc")).await;
    let answer = client.response().await.unwrap();

    assert_eq!(answer.status, 200);
    assert!(!origin.last().headers.contains_key("upgrade"));
}

#[tokio::test]
async fn http2_backend_that_takes_no_websocket_gets_none() {
    let origin = Origin::echo_h2c().await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;

    client.send(ask("websocket")).await;

    assert_eq!(client.response().await.unwrap().status, 502);
    assert_eq!(origin.count(), 0);
}

/// A backend of HTTP/2 that takes WebSocket at `/chat` and sends everything back; at
/// other paths it takes none.
async fn websocket_over_http2() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut server = http2::Builder::new(TokioExecutor::new());
            server.enable_connect_protocol();
            let service = service_fn(|request| async { Ok::<_, Infallible>(switched(request)) });
            tokio::spawn(server.serve_connection(TokioIo::new(tcp), service));
        }
    });
    address
}

fn switched(request: Request<gateway_tests::Incoming>) -> Response<Empty<Bytes>> {
    let protocol = request.extensions().get::<hyper::ext::Protocol>();
    let is_asked = request.method() == Method::CONNECT
        && protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
        && request
            .uri()
            .authority()
            .is_some_and(|host| host == "a.test")
        && !request.headers().contains_key("sec-websocket-key");
    let mut response = Response::new(Empty::new());
    if !is_asked {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    } else if request.uri().path() != "/chat" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else {
        tokio::spawn(async {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            let (mut reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
            // Its end is that of the test.
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            let _ = writer.shutdown().await;
        });
    }
    response
}

#[tokio::test]
async fn http1_clients_get_an_http2_backend_to_switch() {
    let gateway = TestGateway::single(&Site::to_h2c(websocket_over_http2().await));

    for _ in 0..2 {
        let mut client = Wire::connect(gateway.address()).await;
        client.send(ask("websocket") + "early").await;
        let head = client.head().await.unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert!(head.contains("connection: upgrade\r\n"), "{head}");
        assert!(head.contains("upgrade: websocket\r\n"), "{head}");
        assert!(head.contains("sec-websocket-accept: "), "{head}");

        assert_eq!(client.read(5).await.unwrap(), b"early");
        for number in 0..100 {
            let ping = format!("ping {number:3}");
            client.send(&ping).await;
            assert_eq!(client.read(8).await.unwrap(), ping.as_bytes());
        }
        client.finish().await;
        assert!(client.is_ended().await);
    }
}

#[tokio::test]
async fn http2_clients_get_an_http2_backend_to_switch() {
    let gateway = TestGateway::single(&Site::to_h2c(websocket_over_http2().await));
    let mut client = Client::http2(gateway.address()).await;
    // The settings of the gateway come first.
    client.another().call(Client::request("/settings")).await;
    let ask = |target: &str| {
        let protocol = hyper::ext::Protocol::from_static("websocket");
        let request = Request::builder().method(Method::CONNECT).uri(target);
        let request = request.extension(protocol);
        request.body(Empty::<Bytes>::new()).unwrap()
    };

    let response = client.send(ask("http://a.test/chat")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut tunnel = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    tunnel.write_all(b"ping").await.unwrap();
    let mut read = [0; 4];
    tunnel.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"ping");
    tunnel.shutdown().await.unwrap();
    assert_eq!(tunnel.read(&mut read).await.unwrap(), 0);

    let response = client.send(ask("http://a.test/elsewhere")).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tunnel_counts_as_a_request_in_flight() {
    let (one, two) = (RawOrigin::bind().await, RawOrigin::bind().await);
    let backend = Backend::new([one.address(), two.address()]);
    let site = Site::new()
        .rule(Rule::new().with_backend(BackendRef::new("origin".into())))
        .backend_of("origin", backend.with_algorithm(Algorithm::LeastRequest));
    let gateway = TestGateway::single(&site);
    let mut client = Wire::connect(gateway.address()).await;
    client.send(ask("websocket")).await;
    let (mut busy, idle) = tokio::select! {
        busy = one.accept() => (busy, two),
        busy = two.accept() => (busy, one),
    };
    busy.head().await.unwrap();
    busy.send(switch("websocket")).await;
    client.head().await.unwrap();

    let mut other = Wire::connect(gateway.address()).await;
    let mut upstream = None;
    for _ in 0..20 {
        other.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut backend = match upstream.take() {
            Some(backend) => backend,
            None => idle.accept().await,
        };
        backend.head().await.unwrap();
        backend
            .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
        assert_eq!(other.response().await.unwrap().status, 200);
        upstream = Some(backend);
    }
}

#[tokio::test]
async fn tunnel_outlives_changes_of_routes() {
    let mut pair = tunnel().await;

    pair.gateway.update(Site::new().configuration());

    let status = Client::http1(pair.gateway.address())
        .await
        .get("/")
        .await
        .status;
    assert_eq!(status, 404);
    pair.client.send("bytes").await;
    assert_eq!(pair.backend.read(5).await.unwrap(), b"bytes");
    drop(pair.origin);
}

#[tokio::test]
async fn tunnel_goes_on_while_the_gateway_drains() {
    let mut pair = tunnel().await;

    pair.gateway.shutdown();
    // New connections are refused from some moment on: the drain has begun.
    while tokio::net::TcpStream::connect(pair.gateway.address())
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        pair.client.send("ping").await;
        assert_eq!(pair.backend.read(4).await.unwrap(), b"ping");
        pair.backend.send("pong").await;
        assert_eq!(pair.client.read(4).await.unwrap(), b"pong");
    }

    drop((pair.client, pair.backend));
    assert!(pair.gateway.drained().await.is_ok());
}

/// An extended CONNECT (RFC 8441) that has arrived at the backend.
async fn extended(answer: &str) -> (TestGateway, Response<gateway_tests::Incoming>, String, Wire) {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Client::http2(gateway.address()).await;
    let protocol = hyper::ext::Protocol::from_static("websocket");
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://a.test/chat?room=1")
        .extension(protocol)
        .body(Empty::<Bytes>::new())
        .unwrap();

    // The gateway says in its settings that it understands this; they come first.
    let ask = async { client.another().call(Client::request("/settings")).await };
    let serve = async {
        let mut backend = origin.accept().await;
        backend.head().await.unwrap();
        backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        backend
    };
    let (_, mut backend) = tokio::join!(ask, serve);

    let serve = async {
        let head = backend.head().await.unwrap().to_ascii_lowercase();
        backend.send(answer).await;
        head
    };
    let (response, head) = tokio::join!(client.send(request), serve);
    (gateway, response.unwrap(), head, backend)
}

#[tokio::test]
async fn http2_clients_get_an_http1_backend_to_switch() {
    let (_gateway, response, head, mut backend) =
        extended(&(switch("websocket") + "early backend")).await;
    assert!(head.starts_with("get /chat?room=1 http/1.1\r\n"), "{head}");
    assert!(head.contains("host: a.test\r\n"), "{head}");
    assert!(head.contains("connection: upgrade\r\n"), "{head}");
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    assert!(head.contains("sec-websocket-key: "), "{head}");
    assert_eq!(response.status(), StatusCode::OK);
    for gone in ["connection", "upgrade", "sec-websocket-accept"] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }

    let mut client = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut read = [0; 13];
    client.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"early backend");
    client.write_all(b"ping").await.unwrap();
    assert_eq!(backend.read(4).await.unwrap(), b"ping");
    client.shutdown().await.unwrap();
    assert!(backend.is_ended().await);
}

#[tokio::test]
async fn http2_clients_are_not_told_of_a_switch_that_did_not_happen() {
    let (_gateway, response, ..) = extended("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);

    let refused = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let (_gateway, response, ..) = extended(refused).await;
    let reply = Reply::read(response).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(reply.text(), "no");
}
