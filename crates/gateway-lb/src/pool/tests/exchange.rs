//! One request, one response.

use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::join;
use tokio::net::TcpListener;

use super::origin::{Nobody, Origin};
use super::{full, get, pool, request, send, settle, text};
use crate::pool::{Pool, PoolSettings, UpstreamErrorKind};

#[tokio::test]
async fn request_is_written_as_given() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, head) = join!(send(&pool, origin.address(), get("/a?b=c")), async {
        origin.accept().await.answer("yes").await
    });

    assert_eq!(head, "get /a?b=c http/1.1\r\nhost: shop.example\r\n\r\n");
    assert_eq!(text(response.expect("answered")).await, "yes");
}

#[tokio::test]
async fn response_length_is_known_downstream() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, _) = join!(send(&pool, origin.address(), get("/")), async {
        origin.accept().await.answer("twelve bytes").await
    });

    let body = response.expect("answered").into_body();
    assert_eq!(body.size_hint().exact(), Some(12));
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn head_and_bodyless_statuses_end_at_once_and_keep_the_connection() {
    let (origin, pool) = (Origin::bind().await, pool());
    let script = [
        (Method::HEAD, "200 OK\r\ncontent-length: 5"),
        (Method::GET, "204 No Content"),
        (Method::GET, "304 Not Modified\r\ncontent-length: 7"),
        (Method::HEAD, "200 OK\r\ntransfer-encoding: chunked"),
    ];

    let backend = async {
        let mut conversation = origin.accept().await;
        for (_, answer) in &script {
            conversation.head().await;
            conversation.say(format!("HTTP/1.1 {answer}\r\n\r\n")).await;
        }
        conversation
    };
    let client = async {
        for (method, _) in &script {
            let mut request = get("/");
            *request.method_mut() = method.clone();
            let response = send(&pool, origin.address(), request)
                .await
                .expect("answered");
            assert!(response.body().is_end_stream());
            assert_eq!(pool.idle_connections(), 1, "{method}");
        }
    };

    join!(backend, client);
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn chunked_body_and_trailers_come_through() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, _conversation) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation
            .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        conversation
            .say("3\r\none\r\n3;x=y\r\ntwo\r\n0\r\nx-sum: 6\r\n\r\n")
            .await;
        conversation
    });
    let collected = response
        .expect("answered")
        .into_body()
        .collect()
        .await
        .expect("a complete body");

    assert_eq!(collected.trailers().expect("trailers")["x-sum"], "6");
    assert_eq!(collected.to_bytes(), "onetwo");
    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn informational_responses_are_dropped() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, ()) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation
            .say("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            .await;
        conversation
            .say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await;
    });

    let response = response.expect("answered");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("link"));
}

#[tokio::test]
async fn endless_informational_responses_are_given_up_on() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, ()) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        let hint = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1024);
        while conversation
            .stream()
            .write_all(hint.as_bytes())
            .await
            .is_ok()
        {}
    });

    let error = response.expect_err("no response");
    assert_eq!(error.kind(), UpstreamErrorKind::InvalidResponse);
    assert!(!error.is_unsent());
}

#[tokio::test]
async fn response_head_has_a_limit() {
    let (origin, pool) = (
        Origin::bind().await,
        Pool::new(PoolSettings::new().with_max_response_head(1024)),
    );

    let (response, ()) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        let long = "x".repeat(2048);
        conversation
            .say(format!("HTTP/1.1 200 OK\r\nx-long: {long}\r\n\r\n"))
            .await;
    });

    let error = response.expect_err("too long");
    assert_eq!(error.kind(), UpstreamErrorKind::InvalidResponse);
}

#[tokio::test]
async fn old_backend_does_not_show_its_version() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, ()) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation
            .say("HTTP/1.0 200 OK\r\n\r\nuntil the end")
            .await;
    });

    let response = response.expect("answered");
    assert_eq!(response.version(), Version::HTTP_11);
    assert_eq!(text(response).await, "until the end");
    assert_eq!(pool.idle_connections(), 0);
}

#[tokio::test]
async fn refused_dial_is_unsent() {
    let nobody = Nobody::bind();

    let error = send(&pool(), nobody.address(), get("/"))
        .await
        .expect_err("nobody listens");

    assert_eq!(error.kind(), UpstreamErrorKind::Dial);
    assert!(error.is_unsent());
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(error.to_string(), "no connection could be opened");
}

#[tokio::test(start_paused = true)]
async fn dial_that_hangs_is_given_up_on() {
    let (_listener, address, _queued) = full_backlog();
    let pool = Pool::new(PoolSettings::new().with_dial_timeout(Duration::from_secs(3)));
    let start = tokio::time::Instant::now();

    let error = send(&pool, address, get("/"))
        .await
        .expect_err("never accepted");

    assert_eq!(error.kind(), UpstreamErrorKind::DialTimeout);
    assert!(error.is_unsent());
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn close_before_the_response_may_have_been_seen() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, ()) = join!(send(&pool, origin.address(), get("/")), async {
        origin.accept().await.head().await;
    });

    let error = response.expect_err("no response");
    assert_eq!(error.kind(), UpstreamErrorKind::Closed);
    assert!(!error.is_unsent());
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn connect_is_refused() {
    let pool = pool();
    let nobody = ([127, 0, 0, 1], 9).into();

    let error = send(&pool, nobody, request("CONNECT", "/", full("")))
        .await
        .expect_err("not supported");

    assert_eq!(error.kind(), UpstreamErrorKind::InvalidRequest);
}

#[tokio::test]
async fn dropped_request_closes_the_connection() {
    let (origin, pool) = (Origin::bind().await, pool());

    let mut sending = Box::pin(send(&pool, origin.address(), get("/")));
    let mut conversation = tokio::select! {
        _ = &mut sending => panic!("answered by nobody"),
        conversation = async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            conversation
        } => conversation,
    };
    drop(sending);

    assert!(conversation.closed().await.is_empty());
    assert_eq!(pool.idle_connections(), 0);
}

#[tokio::test]
async fn dropped_body_closes_the_connection() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (response, mut conversation) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation
            .say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            .await;
        conversation
    });
    drop(response.expect("answered"));
    settle().await;

    assert!(conversation.closed().await.is_empty());
    assert_eq!(pool.idle_connections(), 0);
}

/// A listener whose queue is full, so that it ignores who else wants to connect.
fn full_backlog() -> (Socket, SocketAddr, Vec<Socket>) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    listener.bind(&SockAddr::from(any)).expect("a free port");
    listener.listen(0).expect("listening");
    let address = listener.local_addr().expect("bound");

    let queued = (0..4)
        .map(|_| {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            client.set_nonblocking(true).expect("non-blocking");
            // Still on its way, or in the queue: either will do.
            let _: Result<(), _> = client.connect(&address);
            client
        })
        .collect();
    (
        listener,
        address.as_socket().expect("an IP address"),
        queued,
    )
}

#[tokio::test]
async fn future_polled_again_is_an_error() {
    let mut sending = send(
        &pool(),
        ([127, 0, 0, 1], 9).into(),
        request("CONNECT", "/", full("")),
    );
    assert!((&mut sending).await.is_err());

    assert!(sending.await.is_err());
}

#[tokio::test]
async fn kept_socket_is_set_up_for_small_writes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");

    let stream = crate::pool::dial::dial(
        &address.into(),
        crate::pool::Protocol::Http1,
        &PoolSettings::new(),
    )
    .await
    .expect("connected");

    let stream = crate::pool::UpstreamStream::from(stream);
    let stream = stream.try_into_tcp().expect("in the clear");
    assert!(stream.nodelay().expect("an option"));
    assert!(
        socket2::SockRef::from(&stream)
            .keepalive()
            .expect("an option")
    );
}
