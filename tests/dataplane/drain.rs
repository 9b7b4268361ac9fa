//! The end of a gateway.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::net::SocketAddr;
use std::time::Duration;

use gateway_core::model::Configuration;
use gateway_core::{Gateway, RunError};
use gateway_tests::frames::{Frames, kind};
use gateway_tests::{Client, Origin, RawOrigin, Site, TestGateway, Wire, patiently};
use http::StatusCode;
use tokio::net::TcpStream;

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const LONG: Duration = Duration::from_secs(3600);

async fn until_refused(address: SocketAddr) {
    patiently("the socket to close", async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn request_in_flight_completes_and_nobody_else_gets_in() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.shutdown();
    until_refused(gateway.address()).await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;

    let answer = client.response().await.unwrap();
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(answer.headers["connection"], "close");
    assert!(client.is_ended().await);
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn upload_and_download_in_flight_complete() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client
        .send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 8\r\n\r\nhalf")
        .await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.shutdown();
    until_refused(gateway.address()).await;
    client.send("full").await;
    assert_eq!(backend.read(8).await.unwrap(), b"halffull");
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        .await;
    client.read_until(b"half").await.unwrap();
    backend.send("full").await;

    assert_eq!(client.read(4).await.unwrap(), b"full");
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
    let mut used = Wire::connect(gateway.address()).await;
    used.send(GET).await;
    assert_eq!(used.response().await.unwrap().status, 200);
    let mut fresh = Wire::connect(gateway.address()).await;
    let mut two = Client::http2(gateway.address()).await;
    assert_eq!(two.get("/").await.status, StatusCode::OK);

    gateway.shutdown();

    assert!(used.is_ended().await);
    assert!(fresh.is_ended().await);
    two.closed().await;
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn http2_gets_goaway_and_its_streams_complete() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
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

    gateway.shutdown();
    loop {
        let frame = frames.read().await.expect("GOAWAY comes first");
        match frame.kind {
            kind::GOAWAY => break,
            kind::SETTINGS if frame.flags == 0 => frames.send(kind::SETTINGS, 1, 0, &[]).await,
            _ => {}
        }
    }
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;

    let (mut headed, mut body) = (false, Vec::new());
    while let Some(frame) = frames.read().await {
        match frame.kind {
            kind::HEADERS => headed = true,
            kind::DATA => body.extend(frame.payload),
            kind::PING if frame.flags == 0 => frames.send(kind::PING, 1, 0, &frame.payload).await,
            _ => {}
        }
    }
    assert!(headed);
    assert_eq!(body, b"ok");
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn lame_duck_serves_on_and_says_goodbye() {
    let origin = Origin::echo().await;
    let builder = Gateway::builder().workers(2).lame_duck(LONG);
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());
    let mut old = Wire::connect(gateway.address()).await;
    old.send(GET).await;
    let before = old.response().await.unwrap();
    assert!(!before.headers.contains_key("connection"));

    gateway.shutdown();

    // It is told to whoever asks next, sooner or later.
    let goodbye = patiently("a goodbye", async {
        loop {
            old.send(GET).await;
            let answer = old.response().await.unwrap();
            assert_eq!(answer.status, 200);
            if answer.headers.contains_key("connection") {
                break answer;
            }
        }
    });
    assert_eq!(goodbye.await.headers["connection"], "close");
    assert!(old.is_ended().await);
    // New connections are served, and only for once.
    let mut new = Wire::connect(gateway.address()).await;
    new.send(GET).await;
    let answer = new.response().await.unwrap();
    assert_eq!(
        (answer.status, &answer.headers["connection"]),
        (200, &"close".parse().unwrap())
    );
    // HTTP/2 is served as well.
    assert_eq!(
        Client::http2(gateway.address()).await.get("/").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn second_shutdown_ends_at_once() {
    let origin = RawOrigin::bind().await;
    let builder = Gateway::builder()
        .workers(2)
        .lame_duck(LONG)
        .drain_timeout(LONG);
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.shutdown();
    gateway.shutdown();

    assert!(client.read_to_end().await.is_empty());
    assert!(backend.is_ended().await);
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn drain_does_not_wait_for_ever() {
    let origin = RawOrigin::bind().await;
    let builder = Gateway::builder()
        .workers(1)
        .drain_timeout(Duration::from_millis(100));
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.shutdown();

    assert!(backend.is_ended().await);
    assert!(client.read_to_end().await.is_empty());
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn gateway_with_all_the_connections_it_takes_drains() {
    let origin = Origin::echo().await;
    let builder = Gateway::builder()
        .workers(1)
        .max_connections(2)
        .drain_timeout(LONG);
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());
    let mut idle = [
        Wire::connect(gateway.address()).await,
        Wire::connect(gateway.address()).await,
    ];
    for client in &mut idle {
        client.send(GET).await;
        assert_eq!(client.response().await.unwrap().status, 200);
    }

    gateway.shutdown();

    for client in &mut idle {
        assert!(client.is_ended().await);
    }
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn second_shutdown_ends_a_gateway_with_all_the_connections_it_takes() {
    let origin = RawOrigin::bind().await;
    let builder = Gateway::builder()
        .workers(1)
        .max_connections(1)
        .drain_timeout(LONG);
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.shutdown();
    until_refused(gateway.address()).await;
    gateway.shutdown();

    assert!(client.read_to_end().await.is_empty());
    assert!(gateway.drained().await.is_ok());
}

#[tokio::test]
async fn gateway_with_all_the_connections_it_takes_closes_a_socket() {
    let origin = RawOrigin::bind().await;
    let builder = Gateway::builder().workers(1).max_connections(1);
    let gateway = TestGateway::serve(builder, Site::to(origin.address()).configuration());
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    gateway.update(Configuration::new());

    until_refused(gateway.address()).await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .await;
    assert_eq!(client.response().await.unwrap().text(), "ok");
}

#[tokio::test]
async fn gateway_runs_once() {
    let gateway = TestGateway::start(&Site::new());
    // Who is answered is served by workers: the first run has begun.
    assert_eq!(
        Client::http1(gateway.address()).await.get("/").await.status,
        404
    );

    let again = patiently("an answer", gateway.gateway().run()).await;

    assert!(matches!(again, Err(RunError::AlreadyRun)));
}

#[tokio::test]
async fn shutdown_before_the_run_ends_it() {
    let gateway = Gateway::builder().workers(1).build();
    gateway.update(Site::new().configuration());

    gateway.shutdown();

    assert!(patiently("the end", gateway.run()).await.is_ok());
}

#[tokio::test]
async fn connections_in_the_queue_are_served_before_the_socket_closes() {
    let origin = Origin::echo().await;
    let gateway = TestGateway::start(&Site::to(origin.address()));
    // Requests are on their way while the gateway stops; none may be reset.
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::connect(gateway.address()).await;
        wire.send(GET).await;
        clients.push(wire);
    }

    gateway.shutdown();

    let mut answered = 0;
    for client in &mut clients {
        answered += usize::from(
            client
                .response()
                .await
                .is_some_and(|answer| answer.status == 200),
        );
    }
    assert_eq!(answered, clients.len());
    assert!(gateway.drained().await.is_ok());
}
