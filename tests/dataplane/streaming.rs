//! Bodies on their way: in both directions, no faster than they are read, and never
//! finished by anybody but their sender.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::time::Duration;

use gateway_tests::{
    Client, End, Origin, OriginBody, RawOrigin, Reply, Site, TestGateway, Wire, answer, patiently,
};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::mpsc;

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// No byte moves for so long: nothing more will.
const QUIET: Duration = Duration::from_millis(300);

/// What the kernel's buffers on four sockets may take, and much less than is offered.
const BUFFERS: usize = 48 << 20;
const OFFERED: usize = 256 << 20;

/// A client and the backend's side of the connection its request is on.
async fn through(request: &str) -> (TestGateway, RawOrigin, Wire, Wire) {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(request).await;
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    (gateway, origin, client, backend)
}

type Sender = mpsc::Sender<Result<Frame<bytes::Bytes>, std::io::Error>>;

/// A body that the test sends frame by frame.
fn fed() -> (Sender, OriginBody) {
    let (sender, mut receiver) = mpsc::channel(1);
    let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (
        sender,
        StreamBody::new(stream).map_err(Into::into).boxed_unsync(),
    )
}

#[tokio::test]
async fn each_part_of_a_response_passes_at_once() {
    let (_gateway, _origin, mut client, mut backend) = through(GET).await;

    backend
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    assert!(client.head().await.unwrap().starts_with("HTTP/1.1 200"));
    for part in ["one", "two", "six"] {
        backend.send(format!("3\r\n{part}\r\n")).await;
        let chunk = format!("3\r\n{part}\r\n");
        assert_eq!(client.read(chunk.len()).await.unwrap(), chunk.as_bytes());
    }
    backend.send("0\r\n\r\n").await;
    assert_eq!(client.read(5).await.unwrap(), b"0\r\n\r\n");
}

#[tokio::test]
async fn each_part_of_a_request_passes_at_once() {
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (_gateway, _origin, mut client, mut backend) = through(head).await;

    for part in ["one", "two", "six"] {
        client.send(format!("3\r\n{part}\r\n")).await;
        let chunk = format!("3\r\n{part}\r\n");
        assert_eq!(backend.read(chunk.len()).await.unwrap(), chunk.as_bytes());
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(backend.read(5).await.unwrap(), b"0\r\n\r\n");
}

#[tokio::test]
async fn both_directions_flow_at_the_same_time() {
    for (down, up) in [(1, 1), (2, 1), (1, 2), (2, 2)] {
        let echo = |request: Request<gateway_tests::Incoming>| async move {
            Response::new(request.into_body().map_err(Into::into).boxed_unsync())
        };
        let (origin, site) = if up == 2 {
            let origin = Origin::h2c(echo).await;
            let site = Site::to_h2c(origin.address());
            (origin, site)
        } else {
            let origin = Origin::http1(echo).await;
            let site = Site::to(origin.address());
            (origin, site)
        };
        let gateway = TestGateway::single(&site);
        let mut client = match down {
            1 => Client::http1(gateway.address()).await,
            _ => Client::http2(gateway.address()).await,
        };
        let (sender, body) = fed();
        let request = Request::post("/")
            .header("host", "a.test")
            .body(body)
            .unwrap();

        sender.send(Ok(Frame::data("0".into()))).await.unwrap();
        let mut response = client.send(request).await.unwrap();
        for number in 0..5 {
            let frame = patiently("an echo", response.frame())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(
                frame.into_data().unwrap(),
                format!("{number}"),
                "{down} to {up}"
            );
            let next = format!("{}", number + 1);
            sender.send(Ok(Frame::data(next.into()))).await.unwrap();
        }
        drop((sender, origin));
    }
}

#[tokio::test]
async fn client_that_does_not_read_slows_the_backend_down() {
    let (_gateway, _origin, mut client, mut backend) = through(GET).await;

    backend
        .send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {OFFERED}\r\n\r\n"
        ))
        .await;
    client.head().await.unwrap();
    let sent = backend.flood(OFFERED, QUIET).await;

    assert!(sent < BUFFERS, "the gateway took {sent} bytes for nobody");
}

#[tokio::test]
async fn http2_client_that_does_not_read_slows_the_backend_down() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Client::http2(gateway.address()).await;
    let request = tokio::spawn(async move { (client.send(Client::request("/")).await, client) });
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    backend
        .send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {OFFERED}\r\n\r\n"
        ))
        .await;
    let (response, _client) = request.await.unwrap();
    let sent = backend.flood(OFFERED, QUIET).await;

    assert!(sent < BUFFERS, "the gateway took {sent} bytes for nobody");
    drop(response);
}

#[tokio::test]
async fn backend_that_does_not_read_slows_the_client_down() {
    let head = format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {OFFERED}\r\n\r\n");
    let (_gateway, _origin, mut client, _backend) = through(&head).await;

    let sent = client.flood(OFFERED, QUIET).await;

    assert!(sent < BUFFERS, "the gateway took {sent} bytes for nobody");
}

#[tokio::test]
async fn slow_reader_gets_everything_in_the_end() {
    let body: bytes::Bytes = (0..8u32 << 20)
        .map(|at| (at % 251) as u8)
        .collect::<Vec<_>>()
        .into();
    let origin = {
        let body = body.clone();
        Origin::http1(move |_| {
            let body = body.clone();
            async move { answer(200, body) }
        })
        .await
    };
    let gateway = TestGateway::single(&Site::to(origin.address()));

    for mut client in [
        Client::http1(gateway.address()).await,
        Client::http2(gateway.address()).await,
    ] {
        let mut response = client.send(Client::request("/")).await.unwrap();
        let first = patiently("a part", response.frame())
            .await
            .unwrap()
            .unwrap();
        // Everything in between fills up meanwhile.
        tokio::task::yield_now().await;
        let rest = Reply::read(response).await;

        assert!(rest.complete);
        let first = first.into_data().unwrap();
        assert_eq!(first.len() + rest.body.len(), body.len());
        assert_eq!(rest.body, body[first.len()..]);
    }
}

#[tokio::test]
async fn early_answer_to_an_upload_reaches_the_client() {
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000000\r\n\r\nbegin";
    let (_gateway, _origin, mut client, mut backend) = through(head).await;

    backend
        .send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
        .await;
    let answer = client.response().await.unwrap();

    assert_eq!((answer.status, answer.text()), (413, "big"));
    // The rest of the upload is nobody's request.
    client.send("more").await;
    assert!(client.read_to_end().await.is_empty());
    assert!(backend.read_to_end().await.len() <= 9);
}

#[tokio::test]
async fn response_that_breaks_off_never_looks_finished() {
    for head in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf?0\r\n\r\n",
    ] {
        for reset in [false, true] {
            let (_gateway, _origin, mut client, mut backend) = through(GET).await;
            backend.send(head).await;
            // A reset may overtake the bytes before it; these have arrived, unless
            // what is wrong came along with them.
            let _ = client.read_until(b"half").await;
            if reset {
                backend.reset();
            } else {
                drop(backend);
            }
            let rest = client.read_to_end().await;
            assert!(!rest.ends_with(b"0\r\n\r\n"), "{head:?}");
        }

        let origin = RawOrigin::bind().await.answering(head, false);
        let gateway = TestGateway::single(&Site::to(origin.address()));
        let mut client = Client::http2(gateway.address()).await;
        for _ in 0..2 {
            let is_answered = client.is_answered(Client::request("/")).await;
            assert!(!is_answered, "{head:?} over HTTP/2");
        }
        // Only the streams are lost.
        assert!(!client.is_closed());
    }
}

#[tokio::test]
async fn http2_backend_that_resets_a_stream_never_looks_finished() {
    let origin = Origin::h2c(|_| async {
        let parts = [
            Ok(Frame::data(bytes::Bytes::from_static(b"half"))),
            Err(std::io::Error::other("broken")),
        ];
        let body = StreamBody::new(futures_util::stream::iter(parts));
        Response::new(body.map_err(Into::into).boxed_unsync())
    })
    .await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));
    let mut wire = Wire::connect(gateway.address()).await;

    wire.send(GET).await;
    // Either the head was lost with it, or the body is cut.
    if let Some(answer) = wire.response().await {
        assert!(
            answer.status == 502 || answer.end == End::Truncated,
            "{answer:?}"
        );
    }
    let mut two = Client::http2(gateway.address()).await;
    if let Ok(response) = two.send(Client::request("/")).await
        && response.status() != 502
    {
        assert!(!Reply::read(response).await.complete);
    }
}

#[tokio::test]
async fn client_that_leaves_cancels_the_backend() {
    // Before a response, in the middle of one, and in the middle of an upload.
    let (_gateway, _origin, client, mut backend) = through(GET).await;
    drop(client);
    assert!(backend.is_ended().await);

    let (_gateway, _origin, mut client, mut backend) = through(GET).await;
    backend
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        .await;
    client.read_until(b"half").await.unwrap();
    drop(client);
    assert!(backend.is_ended().await);

    let upload = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf";
    let (_gateway, _origin, client, mut backend) = through(upload).await;
    assert_eq!(backend.read(4).await.unwrap(), b"half");
    drop(client);
    assert!(backend.is_ended().await);
}

#[tokio::test]
async fn http2_stream_that_is_reset_cancels_the_backend() {
    let origin = RawOrigin::bind().await;
    let gateway = TestGateway::single(&Site::to(origin.address()));
    let mut client = Client::http2(gateway.address()).await;
    let mut stream = client.another();
    let request = tokio::spawn(async move { stream.send(Client::request("/")).await });
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();

    request.abort();

    assert!(backend.is_ended().await);
    // The connection lives on.
    let request = tokio::spawn(async move { client.get("/").await.status });
    let mut backend = origin.accept().await;
    backend.head().await.unwrap();
    backend.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(request.await.unwrap(), 204);
}

#[tokio::test]
async fn client_that_leaves_resets_the_stream_to_an_http2_backend() {
    let (offer, mut offered) = mpsc::channel(1);
    let origin = Origin::h2c(move |_| {
        let (sender, body) = fed();
        let offer = offer.clone();
        async move {
            offer.send(sender).await.unwrap();
            Response::new(body)
        }
    })
    .await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));
    let mut client = Wire::connect(gateway.address()).await;
    client.send(GET).await;
    let sender = offered.recv().await.unwrap();
    client.head().await.unwrap();

    drop(client);

    patiently("the end of the stream", sender.closed()).await;
}

#[tokio::test]
async fn slow_reader_of_small_messages_hurts_no_neighbour() {
    // One endless stream of tiny messages, and ordinary answers.
    let origin = Origin::h2c(|request| async move {
        if request.uri().path() != "/endless" {
            return answer(200, "ok");
        }
        let message = || Ok::<_, std::io::Error>(Frame::data(bytes::Bytes::from_static(b"12345")));
        let endless = futures_util::stream::repeat_with(message);
        Response::new(StreamBody::new(endless).map_err(Into::into).boxed_unsync())
    })
    .await;
    let gateway = TestGateway::single(&Site::to_h2c(origin.address()));
    let mut slow = Client::http2(gateway.address()).await;
    let stalled = slow.send(Client::request("/endless")).await.unwrap();

    let mut client = Client::http2(gateway.address()).await;
    for _ in 0..200 {
        assert_eq!(client.get("/").await.text(), "ok");
    }

    assert_eq!(origin.connections(), 1);
    drop(stalled);
}

#[tokio::test]
async fn upload_that_breaks_off_never_looks_finished_to_the_backend() {
    for upload in [
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        for http2 in [false, true] {
            let (origin, site) = if http2 {
                let origin = Origin::echo_h2c().await;
                let site = Site::to_h2c(origin.address());
                (origin, site)
            } else {
                let origin = Origin::echo().await;
                let site = Site::to(origin.address());
                (origin, site)
            };
            let gateway = TestGateway::single(&site);
            let mut client = Wire::connect(gateway.address()).await;
            client.send(upload).await;
            origin
                .until("the connection", |state| state.connections == 1)
                .await;
            client.finish().await;

            assert!(
                client
                    .response()
                    .await
                    .is_none_or(|answer| answer.status != 200)
            );
            assert!(origin.requests().iter().all(|seen| !seen.complete));
        }
    }
}
