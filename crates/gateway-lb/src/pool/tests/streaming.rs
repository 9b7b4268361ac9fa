//! Bodies that take their time.

use std::task::Poll;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;

use super::origin::Origin;
use super::{Received, TestBody, TestPool, get, pool, request, send, settle, text};
use crate::pool::UpstreamErrorKind;
use crate::pool::error::BoxError;

type Upload = tokio::sync::mpsc::Sender<Result<Bytes, BoxError>>;

/// A body that the test feeds.
fn upload() -> (Upload, TestBody) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let frames = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let body = StreamBody::new(frames.map(|chunk: Result<Bytes, BoxError>| chunk.map(Frame::data)));
    (sender, body.boxed_unsync())
}

async fn answered_early(
    pool: &TestPool,
    origin: &Origin,
    body: TestBody,
) -> (Received, super::origin::Conversation) {
    let (response, conversation) = join!(
        send(pool, origin.address(), request("POST", "/", body)),
        async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            conversation
                .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n")
                .await;
            conversation
        }
    );
    (response.expect("answered"), conversation)
}

#[tokio::test]
async fn upload_goes_on_behind_an_early_response() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();
    let (response, mut conversation) = answered_early(&pool, &origin, body).await;

    let (text, ()) = join!(text(response), async {
        upload.send(Ok("late".into())).await.expect("wanted");
        drop(upload);
        assert_eq!(conversation.exactly(14).await, b"4\r\nlate\r\n0\r\n\r\n");
        conversation.say("0\r\n\r\n").await;
    });

    assert_eq!(text, "early");
    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn connection_with_an_unfinished_upload_is_not_kept() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();
    let (response, mut conversation) = answered_early(&pool, &origin, body).await;
    conversation.say("0\r\n\r\n").await;

    assert_eq!(text(response).await, "early");

    assert_eq!(pool.idle_connections(), 0);
    assert!(upload.is_closed());
    assert!(conversation.closed().await.is_empty());
}

#[tokio::test]
async fn empty_early_response_ends_the_upload() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();

    let (response, mut conversation) = join!(
        send(&pool, origin.address(), request("POST", "/", body)),
        async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            conversation
                .say("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n")
                .await;
            conversation
        }
    );

    assert_eq!(response.expect("answered").status(), 413);
    assert!(upload.is_closed());
    assert!(conversation.closed().await.is_empty());
    assert_eq!(pool.idle_connections(), 0);
}

#[tokio::test]
async fn client_that_fails_is_not_the_backend_failing() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();

    let (response, mut conversation) = join!(
        send(&pool, origin.address(), request("POST", "/", body)),
        async {
            let mut conversation = origin.accept().await;
            conversation.head().await;
            upload.send(Ok("half".into())).await.expect("wanted");
            upload
                .send(Err("client went away".into()))
                .await
                .expect("wanted");
            conversation
        }
    );

    let error = response.expect_err("no request, no response");
    assert_eq!(error.kind(), UpstreamErrorKind::RequestBody);
    assert!(causes(&error).contains(&"client went away".to_owned()));
    assert!(!conversation.closed().await.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn client_that_fails_late_is_not_the_backend_failing() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();
    let (response, _conversation) = answered_early(&pool, &origin, body).await;
    upload
        .send(Err("client went away".into()))
        .await
        .expect("wanted");

    let error = response
        .into_body()
        .collect()
        .await
        .expect_err("broken off");

    assert_eq!(error.kind(), UpstreamErrorKind::RequestBody);
}

#[tokio::test]
async fn upload_shorter_than_it_said_is_the_clients_doing() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();
    let mut request = request("POST", "/", body);
    request.headers_mut().insert("content-length", 10.into());

    let (response, _) = join!(send(&pool, origin.address(), request), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        upload.send(Ok("half".into())).await.expect("wanted");
        drop(upload);
        conversation
    });

    let error = response.expect_err("incomplete");
    assert_eq!(error.kind(), UpstreamErrorKind::RequestBody);
}

const LARGE: usize = 8 << 20;

#[tokio::test]
async fn large_bodies_go_both_ways() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();
    let chunk = Bytes::from(vec![7; 64 << 10]);

    let feed = async {
        for _ in 0..LARGE / chunk.len() {
            upload.send(Ok(chunk.clone())).await.expect("wanted");
        }
        drop(upload);
    };
    let backend = async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n");
        conversation.say(head).await;
        let (mut reader, mut writer) = conversation.stream().split();
        let upload = async {
            let mut received = Vec::new();
            while !received.ends_with(b"\r\n0\r\n\r\n") {
                reader.read_buf(&mut received).await.expect("more");
            }
            received.len()
        };
        let download = async {
            for _ in 1..LARGE / chunk.len() {
                writer.write_all(&chunk).await.expect("wanted");
            }
        };
        let (received, ()) = join!(upload, download);
        // A response that ends first would end the upload.
        writer.write_all(&chunk).await.expect("wanted");
        (received, conversation)
    };
    let client = async {
        let response = send(&pool, origin.address(), request("POST", "/", body)).await;
        response
            .expect("answered")
            .into_body()
            .collect()
            .await
            .expect("a complete body")
            .to_bytes()
            .len()
    };

    let (received, (sent, _conversation), ()) = join!(client, backend, feed);
    assert_eq!(received, LARGE);
    // Each chunk of the upload has a few bytes around it.
    assert!(sent > LARGE);
    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn slow_reader_slows_the_backend_down() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (response, mut conversation) = join!(send(&pool, origin.address(), get("/")), async {
        let mut conversation = origin.accept().await;
        conversation.head().await;
        conversation
            .say("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nx")
            .await;
        conversation
    });
    let mut body = response.expect("answered").into_body();
    body.frame().await.expect("a frame").expect("data");

    // Whatever the sockets hold, plus our buffer, is far below what is offered.
    let chunk = vec![0; 64 << 10];
    let mut taken = 0;
    loop {
        settle().await;
        match conversation.stream().try_write(&chunk) {
            Ok(written) => taken += written,
            Err(_) => break,
        }
        assert!(taken < 64 << 20, "the backend is never slowed down");
    }

    let mut frames = 0;
    while frames < 10 {
        let frame = body.frame().await.expect("a frame").expect("data");
        // The limit of the buffer, and what its growth rounds up to.
        assert!(frame.into_data().expect("data").len() <= 512 << 10);
        frames += 1;
    }
}

#[tokio::test]
async fn taking_a_frame_does_not_wake_the_taker() {
    let (origin, pool) = (Origin::bind().await, pool());
    let mut sending = tokio_test::task::spawn(send(&pool, origin.address(), get("/")));
    assert!(sending.poll().is_pending());
    let mut conversation = origin.accept().await;
    settle().await;
    assert!(sending.is_woken());
    assert!(sending.poll().is_pending());

    conversation.head().await;
    conversation
        .say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        .await;
    settle().await;
    assert!(sending.is_woken());
    let Poll::Ready(Ok(response)) = sending.poll() else {
        panic!("the response is there");
    };
    let mut body = tokio_test::task::spawn(response.into_body());
    let frame = body.enter(|cx, body| body.poll_frame(cx));

    assert!(frame.is_ready());
    assert!(!sending.is_woken() && !body.is_woken());
}

#[tokio::test]
async fn slow_backend_slows_the_client_down() {
    let (origin, pool) = (Origin::bind().await, pool());
    let (upload, body) = upload();
    let sending = tokio::spawn({
        let (pool, address) = (pool.clone(), origin.address());
        async move {
            send(&pool, address, request("POST", "/", body))
                .await
                .is_ok()
        }
    });
    let _conversation = origin.accept().await;

    let chunk = Bytes::from(vec![0; 64 << 10]);
    let mut taken = 0;
    let mut refusals = 0;
    while refusals < 100 {
        settle().await;
        match upload.try_send(Ok(chunk.clone())) {
            Ok(()) => taken += chunk.len(),
            Err(_) => refusals += 1,
        }
        assert!(taken < 64 << 20, "the client is never slowed down");
    }

    assert!(taken > 0);
    sending.abort();
}

/// What each level of an error says.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect()
}
