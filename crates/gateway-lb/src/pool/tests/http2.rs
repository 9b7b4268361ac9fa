//! HTTP/2 with prior knowledge.

// Backends go on in tasks of their own, which the tests hold on to.
#![allow(clippy::async_yields_async)]

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use h2::Reason;
use h2::server::{Builder, Connection, SendResponse};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::join;
use tokio::net::TcpStream;

use super::origin::{Nobody, Origin};
use super::{TestBody, TestPool, full, get, pool, request, settle, text};
use crate::pool::error::BoxError;
use crate::pool::{Protocol, SendFuture, UpstreamErrorKind};

pub(super) type Backend = Connection<TcpStream, Bytes>;
pub(super) type Accepted = (Request<h2::RecvStream>, SendResponse<Bytes>);

pub(super) async fn accept(origin: &Origin, max_streams: u32) -> Backend {
    Builder::new()
        .max_concurrent_streams(max_streams)
        .handshake(origin.accept_stream().await)
        .await
        .expect("a handshake")
}

async fn next(backend: &mut Backend) -> Accepted {
    backend.accept().await.expect("a request").expect("valid")
}

pub(super) fn answer(respond: &mut SendResponse<Bytes>, body: &'static str) {
    let mut stream = respond
        .send_response(Response::new(()), false)
        .expect("sent");
    stream
        .send_data(Bytes::from_static(body.as_bytes()), true)
        .expect("sent");
}

fn send(pool: &TestPool, origin: &Origin, request: Request<TestBody>) -> SendFuture<TestBody> {
    pool.send(origin.address(), Protocol::Http2, request)
}

/// Answers everything with its path for as long as the connection lives.
pub(super) async fn echo(mut backend: Backend) {
    while let Some(Ok((request, mut respond))) = backend.accept().await {
        let path = request.uri().path().to_owned();
        let mut stream = respond
            .send_response(Response::new(()), false)
            .expect("sent");
        stream.send_data(path.into(), true).expect("sent");
    }
}

#[tokio::test]
async fn authority_comes_from_the_host_field() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (_, uri) = join!(send(&pool, &origin, get("/a?b")), async {
        let mut backend = accept(&origin, 100).await;
        let (request, mut respond) = next(&mut backend).await;
        assert!(!request.headers().contains_key("host"));
        answer(&mut respond, "yes");
        tokio::spawn(async move { backend.accept().await.is_none() });
        request.uri().to_string()
    });

    assert_eq!(uri, "http://shop.example/a?b");
}

#[tokio::test]
async fn host_that_is_no_authority_is_refused() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut request = get("/");
    request
        .headers_mut()
        .insert("host", "a b".parse().expect("a value"));

    let error = send(&pool, &origin, request).await.expect_err("no host");

    assert_eq!(error.kind(), UpstreamErrorKind::InvalidRequest);
    assert!(error.is_unsent());
}

#[tokio::test]
async fn concurrent_requests_share_one_connection() {
    let (origin, pool) = (Origin::bind().await, pool());

    let clients = join_all((0..50).map(|index| {
        let sending = send(&pool, &origin, get(&format!("/{index}")));
        async move { text(sending.await.expect("answered")).await }
    }));
    let (texts, ()) = join!(clients, async {
        tokio::spawn(echo(accept(&origin, 100).await));
    });

    for (index, text) in texts.iter().enumerate() {
        assert_eq!(*text, format!("/{index}"));
    }
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn connection_outlives_the_request_that_asked_for_it() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut first = send(&pool, &origin, get("/first"));
    assert!((&mut first).now_or_never().is_none());
    drop(first);

    let (second, ()) = join!(send(&pool, &origin, get("/second")), async {
        tokio::spawn(echo(accept(&origin, 100).await));
    });

    assert_eq!(text(second.expect("answered")).await, "/second");
    assert!(origin.is_left_alone().await);
}

#[tokio::test]
async fn failed_dial_is_told_to_all_who_wait() {
    let (nobody, pool) = (Nobody::bind(), pool());
    let one = |_| pool.send(nobody.address(), Protocol::Http2, get("/"));

    for result in join_all((0..5).map(one)).await {
        let error = result.expect_err("nobody listens");
        assert_eq!(error.kind(), UpstreamErrorKind::Dial);
        assert!(error.is_unsent());
    }
}

#[tokio::test]
async fn failed_dial_is_tried_anew_by_the_next_request() {
    let (nobody, pool) = (Nobody::bind(), pool());
    let sending = pool.send(nobody.address(), Protocol::Http2, get("/"));
    assert!(sending.await.is_err());

    let again = pool.send(nobody.address(), Protocol::Http2, get("/")).await;

    let error = again.expect_err("nobody listens");
    assert_eq!(error.kind(), UpstreamErrorKind::Dial);
}

#[tokio::test]
async fn going_away_leads_to_a_new_connection() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (first, mut backend) = join!(send(&pool, &origin, get("/")), async {
        let mut backend = accept(&origin, 100).await;
        let (_, mut respond) = next(&mut backend).await;
        answer(&mut respond, "first");
        backend.graceful_shutdown();
        tokio::spawn(async move { backend.accept().await.is_none() })
    });
    assert_eq!(text(first.expect("answered")).await, "first");
    assert!((&mut backend).await.expect("no panic"));
    settle().await;

    let (second, ()) = join!(send(&pool, &origin, get("/second")), async {
        tokio::spawn(echo(accept(&origin, 100).await));
    });

    assert_eq!(text(second.expect("answered")).await, "/second");
}

#[tokio::test]
async fn refused_stream_is_unsent() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (result, _backend) = join!(send(&pool, &origin, get("/")), async {
        let mut backend = accept(&origin, 100).await;
        let (_, mut respond) = next(&mut backend).await;
        respond.send_reset(Reason::REFUSED_STREAM);
        tokio::spawn(async move { backend.accept().await.is_none() })
    });

    let error = result.expect_err("refused");
    assert_eq!(error.kind(), UpstreamErrorKind::Refused);
    assert!(error.is_unsent());
}

#[tokio::test]
async fn reset_stream_may_have_been_seen() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (result, _backend) = join!(send(&pool, &origin, get("/")), async {
        let mut backend = accept(&origin, 100).await;
        let (_, mut respond) = next(&mut backend).await;
        respond.send_reset(Reason::INTERNAL_ERROR);
        tokio::spawn(async move { backend.accept().await.is_none() })
    });

    let error = result.expect_err("reset");
    assert_eq!(error.kind(), UpstreamErrorKind::Closed);
    assert!(!error.is_unsent());
}

#[tokio::test]
async fn full_connection_leads_to_a_second_one() {
    let (origin, pool) = (Origin::bind().await, pool());

    // The first exchange makes the limit known.
    let (first, ()) = join!(send(&pool, &origin, get("/first")), async {
        tokio::spawn(echo(accept(&origin, 1).await));
    });
    text(first.expect("answered")).await;
    let second = send(&pool, &origin, get("/second"))
        .await
        .expect("answered");

    // `second` still occupies the only stream of the first connection.
    let (third, ()) = join!(send(&pool, &origin, get("/third")), async {
        tokio::spawn(echo(accept(&origin, 1).await));
    });

    assert_eq!(text(third.expect("answered")).await, "/third");
    assert_eq!(text(second).await, "/second");
}

#[tokio::test]
async fn limit_of_streams_is_kept() {
    let (origin, pool) = (Origin::bind().await, pool());

    let clients = join_all((0..20).map(|index| {
        let sending = send(&pool, &origin, get(&format!("/{index}")));
        async move { text(sending.await.expect("answered")).await }
    }));
    let backends = async {
        loop {
            tokio::spawn(echo(accept(&origin, 1).await));
        }
    };

    tokio::select! {
        texts = clients => assert_eq!(texts.len(), 20),
        () = backends => {}
    }
}

#[tokio::test]
async fn client_that_fails_is_not_the_backend_failing() {
    let (origin, pool) = (Origin::bind().await, pool());
    let frames = futures_util::stream::iter([
        Ok::<_, BoxError>(Frame::data(Bytes::from("half"))),
        Err("client went away".into()),
    ]);
    let body = StreamBody::new(frames).boxed_unsync();

    let (result, _backend) = join!(send(&pool, &origin, request("POST", "/", body)), async {
        let mut backend = accept(&origin, 100).await;
        tokio::spawn(async move {
            while let Some(Ok(accepted)) = backend.accept().await {
                drop(accepted.0);
            }
        })
    });

    let error = result.expect_err("no request, no response");
    assert_eq!(error.kind(), UpstreamErrorKind::RequestBody);
    let source = std::error::Error::source(&error).expect("a source");
    assert_eq!(source.to_string(), "client went away");
}

#[tokio::test]
async fn bodies_and_trailers_go_both_ways() {
    let (origin, pool) = (Origin::bind().await, pool());

    let (result, received) = join!(
        send(&pool, &origin, request("POST", "/", full("ping"))),
        async {
            let mut backend = accept(&origin, 100).await;
            let (request, mut respond) = next(&mut backend).await;
            let task = tokio::spawn(async move { backend.accept().await.is_none() });
            let mut body = request.into_body();
            let received = body.data().await.expect("data").expect("data");

            let mut stream = respond
                .send_response(Response::new(()), false)
                .expect("sent");
            stream.send_data("pong".into(), false).expect("sent");
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().expect("a value"));
            stream.send_trailers(trailers).expect("sent");
            (received, task)
        }
    );
    let collected = result.expect("answered").into_body().collect().await;
    let collected = collected.expect("a complete body");

    assert_eq!(received.0, "ping");
    assert_eq!(collected.trailers().expect("trailers")["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "pong");
}

#[tokio::test]
async fn reset_in_a_body_ends_it_in_an_error() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (result, (mut stream, _backend)) = join!(send(&pool, &origin, get("/")), async {
        let mut backend = accept(&origin, 100).await;
        let (_, mut respond) = next(&mut backend).await;
        let mut stream = respond
            .send_response(Response::new(()), false)
            .expect("sent");
        stream.send_data("half".into(), false).expect("sent");
        let task = tokio::spawn(async move { backend.accept().await.is_none() });
        (stream, task)
    });
    let mut body = result.expect("answered").into_body();
    body.frame().await.expect("a frame").expect("data");
    stream.send_reset(Reason::INTERNAL_ERROR);

    let error = body.collect().await.expect_err("broken off");

    assert_eq!(error.kind(), UpstreamErrorKind::ResponseBody);
}

#[tokio::test]
async fn sweep_lets_go_of_an_unused_connection() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (response, backend) = join!(send(&pool, &origin, get("/")), async {
        tokio::spawn(echo(accept(&origin, 100).await))
    });
    text(response.expect("answered")).await;
    tokio::time::pause();

    pool.sweep();
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    pool.sweep();

    backend.await.expect("the connection ends");
}

#[tokio::test]
async fn dropped_request_resets_its_stream_only() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (kept, (mut accepted, mut stream, backend)) =
        join!(send(&pool, &origin, get("/")), async {
            let mut backend = accept(&origin, 100).await;
            let (sender, mut accepted) = tokio::sync::mpsc::unbounded_channel::<Accepted>();
            let backend = tokio::spawn(async move {
                while let Some(Ok(next)) = backend.accept().await {
                    sender.send(next).expect("wanted");
                }
            });
            let (_, mut respond) = accepted.recv().await.expect("a request");
            let mut stream = respond
                .send_response(Response::new(()), false)
                .expect("sent");
            stream.send_data("ke".into(), false).expect("sent");
            (accepted, stream, backend)
        });

    let mut dropped = Box::pin(send(&pool, &origin, get("/dropped")));
    let (_, mut respond) = tokio::select! {
        _ = &mut dropped => panic!("answered by nobody"),
        accepted = accepted.recv() => accepted.expect("a request"),
    };
    drop(dropped);
    let reason = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
    stream.send_data("pt".into(), true).expect("sent");

    assert_eq!(reason.expect("reset"), Reason::CANCEL);
    assert_eq!(text(kept.expect("answered")).await, "kept");
    drop(pool);
    backend.await.expect("the connection ends");
}

#[tokio::test]
async fn body_longer_than_the_window_comes_through() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (result, _backend) = join!(send(&pool, &origin, get("/long")), async {
        let mut backend = accept(&origin, 100).await;
        let (_, mut respond) = next(&mut backend).await;
        let mut stream = respond
            .send_response(Response::new(()), false)
            .expect("sent");
        // More than a stream's window.
        stream
            .send_data(Bytes::from(vec![1; 1 << 20]), true)
            .expect("sent");
        tokio::spawn(async move { backend.accept().await.is_none() })
    });

    let mut frames = result.expect("answered").into_body().into_data_stream();
    let mut length = 0;
    while let Some(frame) = frames.next().await {
        length += frame.expect("data").len();
    }

    assert_eq!(length, 1 << 20);
}
