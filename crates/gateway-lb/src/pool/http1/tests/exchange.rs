//! Whole exchanges, step by step.

use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::StreamExt;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::transport::Script;
use super::{TestBody, empty, full, request};
use crate::pool::PoolSettings;
use crate::pool::codec::{Http1Connection, Http1Outcome};
use crate::pool::error::{BoxError, UpstreamErrorKind};
use crate::pool::http1::{Connection, Outgoing};

type TestConnection = Connection<Script, TestBody>;

fn open() -> (Script, TestConnection) {
    let script = Script::new();
    let settings = PoolSettings::new().with_max_response_head(1024);
    let connection = Connection::new(
        script.clone(),
        SocketAddr::from(([127, 0, 0, 1], 9)).into(),
        &settings,
        None,
    );
    (script, connection)
}

fn send(connection: &mut TestConnection, method: &str, body: TestBody) {
    connection.send(Outgoing::new(request(method, body)).expect("valid"));
}

fn step(connection: &mut TestConnection) -> Poll<Http1Outcome<TestBody>> {
    connection.poll_exchange(&mut Context::from_waker(Waker::noop()))
}

/// A step that leads to a response.
fn answer(connection: &mut TestConnection) -> Response<()> {
    match step(connection) {
        Poll::Ready(Http1Outcome::Answered(response)) => response,
        Poll::Ready(Http1Outcome::Failed(error)) => panic!("failed: {error:?}"),
        _ => panic!("not answered"),
    }
}

/// The whole body, if it is there and complete.
fn body(connection: &mut TestConnection) -> Result<Vec<u8>, UpstreamErrorKind> {
    let mut data = Vec::new();
    loop {
        match connection.poll_body(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) => {
                data.extend_from_slice(&frame.into_data().unwrap_or_default());
            }
            Poll::Ready(Some(Err(error))) => return Err(error.kind()),
            Poll::Ready(None) => return Ok(data),
            Poll::Pending => panic!("the body is not there"),
        }
    }
}

/// A body that the test feeds.
fn upload() -> (tokio::sync::mpsc::Sender<Bytes>, TestBody) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let chunks = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let frames = chunks.map(|chunk| Ok::<_, BoxError>(Frame::data(chunk)));
    (sender, StreamBody::new(frames).boxed_unsync())
}

#[test]
fn exchange_takes_a_step_for_each_direction() {
    let (script, mut connection) = open();
    send(&mut connection, "GET", empty());
    assert!(step(&mut connection).is_pending());
    assert_eq!(script.writes().len(), 1);

    script.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(answer(&mut connection).status(), 200);

    assert_eq!(connection.take_whole_body(), Some(Bytes::from("ok")));
    assert!(connection.is_end_stream() && connection.park() && connection.is_alive());
}

#[test]
fn field_map_of_the_request_serves_the_response() {
    let (script, mut connection) = open();
    let mut request = request("GET", empty());
    request.headers_mut().reserve(40);
    let capacity = request.headers().capacity();
    connection.send(Outgoing::new(request).expect("valid"));
    assert!(step(&mut connection).is_pending());

    script.say("HTTP/1.1 204 No Content\r\nx-one: 1\r\n\r\n");
    let response = answer(&mut connection);

    assert_eq!(response.headers().capacity(), capacity);
    assert_eq!(response.headers().len(), 1);
}

#[test]
fn nothing_is_written_to_a_connection_that_has_ended_or_speaks_first() {
    for (said, kind) in [
        ("", UpstreamErrorKind::Closed),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            UpstreamErrorKind::InvalidResponse,
        ),
    ] {
        let (script, mut connection) = open();
        script.say(said);
        send(&mut connection, "POST", full("once"));

        let Poll::Ready(Http1Outcome::Unsent(_, error)) = step(&mut connection) else {
            panic!("sent");
        };
        assert_eq!(error.kind(), kind);
        assert!(error.is_unsent());
        assert!(script.writes().is_empty());
    }
}

#[test]
fn request_given_back_is_whole() {
    let (script, mut connection) = open();
    script.refuse_writes();
    send(&mut connection, "POST", full("once"));
    let Poll::Ready(Http1Outcome::Unsent(request, error)) = step(&mut connection) else {
        panic!("sent");
    };
    assert!(error.is_unsent());

    let (script, mut connection) = open();
    connection.send(*request);
    assert!(step(&mut connection).is_pending());

    assert!(script.written().ends_with("content-length: 4\r\n\r\nonce"));
}

#[test]
fn answer_of_a_backend_that_takes_no_more_is_passed_on() {
    let (script, mut connection) = open();
    let (upload, chunks) = upload();
    send(&mut connection, "POST", chunks);
    assert!(step(&mut connection).is_pending());
    script.refuse_writes();
    upload.try_send("more".into()).expect("wanted");
    script.say("HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n");

    assert_eq!(answer(&mut connection).status(), 413);

    assert!(!connection.park());
}

#[test]
fn kept_connection_forgets_the_last_exchange() {
    let (script, mut connection) = open();
    for round in 0..3 {
        send(&mut connection, "GET", empty());
        assert!(step(&mut connection).is_pending());
        script.say("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
        script.say(format!(
            "HTTP/1.1 200 OK\r\nx-long: {}\r\n",
            "x".repeat(800)
        ));
        script.say("content-length: 1\r\n\r\n");
        script.say(round.to_string());

        assert!(!answer(&mut connection).headers().contains_key("link"));
        assert_eq!(body(&mut connection), Ok(round.to_string().into_bytes()));
        assert!(connection.park());
    }
}

#[test]
fn reason_of_ones_own_is_kept() {
    let reason_of = |line: &str| {
        let (script, mut connection) = open();
        send(&mut connection, "GET", empty());
        assert!(step(&mut connection).is_pending());
        script.say(format!("HTTP/1.1 {line}\r\n\r\n"));
        let response = answer(&mut connection);
        let reason = response.extensions().get::<hyper::ext::ReasonPhrase>();
        reason.map(|reason| reason.as_bytes().to_vec())
    };

    assert_eq!(reason_of("200 OK"), None);
    assert_eq!(reason_of("200"), None);
    assert_eq!(reason_of("200 Fine"), Some(b"Fine".to_vec()));
}

#[test]
fn head_in_single_bytes_is_read() {
    let (script, mut connection) = open();
    send(&mut connection, "GET", empty());
    assert!(step(&mut connection).is_pending());
    for byte in "HTTP/1.1 200 OK\r\nx-one: 1\r\ncontent-length: 0\r\n\r\n".bytes() {
        assert!(step(&mut connection).is_pending());
        script.say([byte]);
    }

    assert_eq!(answer(&mut connection).headers()["x-one"], "1");
    assert!(connection.park());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A connection is kept exactly when its response is complete, wants to keep it and
    /// nothing came behind it, however the bytes came.
    #[test]
    fn connection_is_kept_only_when_nothing_is_left(
        is_chunked in any::<bool>(),
        closes in any::<bool>(),
        length in 0_usize..40_000,
        behind in vec(any::<u8>(), 0..3),
        cuts in vec(any::<Index>(), 0..5),
    ) {
        let data = "x".repeat(length);
        let connection_field = if closes { "connection: close\r\n" } else { "" };
        let mut sent = match (is_chunked, length) {
            (true, 0) => format!("HTTP/1.1 200 OK\r\n{connection_field}transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
            (true, _) => format!("HTTP/1.1 200 OK\r\n{connection_field}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{data}\r\n0\r\n\r\n"),
            (false, _) => format!("HTTP/1.1 200 OK\r\n{connection_field}content-length: {length}\r\n\r\n{data}"),
        }
        .into_bytes();
        let end = sent.len();
        sent.extend_from_slice(&behind);
        // What comes behind comes with the last byte, or it would come too late.
        let mut cuts: Vec<_> = cuts.iter().map(|cut| 1 + cut.index(end - 1)).collect();
        cuts.sort_unstable();
        cuts.dedup();

        let (script, mut connection) = open();
        send(&mut connection, "GET", empty());
        prop_assert!(step(&mut connection).is_pending());
        let mut from = 0;
        for to in cuts.into_iter().chain([sent.len()]) {
            script.say(&sent[from..to]);
            from = to;
        }

        prop_assert_eq!(answer(&mut connection).status(), 200);
        prop_assert_eq!(body(&mut connection), Ok(data.into_bytes()));
        prop_assert_eq!(connection.park(), !closes && behind.is_empty());
    }
}
