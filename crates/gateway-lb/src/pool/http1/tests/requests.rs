//! Writing requests.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, StreamBody};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::transport::Script;
use super::{TestBody, empty, full, request};
use crate::pool::RequestBody;
use crate::pool::error::{BoxError, InvalidRequest};
use crate::pool::http1::outgoing::{Outgoing, Unwritten};

/// A request after one attempt to write it.
struct Attempt<B> {
    outgoing: Outgoing<B>,
    end: Poll<Result<(), Unwritten>>,
}

fn write<B: RequestBody>(script: &Script, request: Request<B>) -> Attempt<B> {
    let mut outgoing = Outgoing::new(request).expect("a valid request");
    let mut cx = Context::from_waker(Waker::noop());
    let end = outgoing.poll_write(&mut script.clone(), &mut cx);
    Attempt { outgoing, end }
}

fn written<B: RequestBody>(request: Request<B>) -> String {
    let script = Script::new();
    let Attempt { outgoing, end } = write(&script, request);
    assert!(matches!(end, Poll::Ready(Ok(()))) && outgoing.is_complete());
    script.written()
}

/// The value of a field that is there once.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut values = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(other, _)| *other == name)
        .map(|(_, value)| value);
    let value = values.next();
    assert_eq!(values.next(), None, "{name} is there twice");
    value
}

fn with_fields<B>(body: B, fields: &[(&'static str, &str)]) -> Request<B> {
    let mut request = Request::new(body);
    for (name, value) in fields {
        let value = value.parse().expect("a field value");
        request.headers_mut().append(*name, value);
    }
    request
}

/// A body of unknown length.
fn frames(frames: impl IntoIterator<Item = Frame<Bytes>>) -> TestBody {
    let frames: Vec<_> = frames.into_iter().map(Ok::<_, BoxError>).collect();
    StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
}

fn chunks(parts: &[&'static str]) -> TestBody {
    frames(parts.iter().map(|part| Frame::data(Bytes::from(*part))))
}

/// Knows when it has ended, but not how long it is.
struct Once(Option<Bytes>);

impl Body for Once {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

/// Some of `length` bytes, as far as anybody can tell.
struct Sized(u64);

impl Body for Sized {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[test]
fn head_is_written_as_given() {
    let mut request = request("GET", empty());
    request
        .headers_mut()
        .append("x-two", "a".parse().expect("a value"));
    request
        .headers_mut()
        .append("x-two", "b".parse().expect("a value"));

    assert_eq!(
        written(request),
        "GET /cart?item=7 HTTP/1.1\r\nhost: shop.example\r\nx-two: a\r\nx-two: b\r\n\r\n"
    );
}

#[test]
fn target_is_what_a_server_is_asked_for() {
    for (target, first) in [
        ("*", "* "),
        ("http://shop.example/a?b", "/a?b "),
        ("http://shop.example", "/ "),
    ] {
        let request = Request::builder().uri(target).body(empty()).expect("valid");
        assert_eq!(written(request), format!("GET {first}HTTP/1.1\r\n\r\n"));
    }
}

#[test]
fn what_cannot_be_asked_of_a_server_is_refused() {
    let refusal = |method, target| {
        let request = Request::builder().method(method).uri(target).body(empty());
        Outgoing::new(request.expect("valid")).map(|_| ())
    };

    assert_eq!(refusal("CONNECT", "/"), Err(InvalidRequest::Connect));
    assert_eq!(
        refusal("GET", "shop.example:80"),
        Err(InvalidRequest::Target)
    );
}

#[test]
fn length_of_the_body_wins_over_the_field() {
    let head = written(with_fields(full("four"), &[("content-length", "9")]));

    assert_eq!(field(&head, "content-length"), Some("4"));
}

#[test]
fn length_of_a_body_that_was_taken_away_is_zero() {
    let head = written(with_fields(empty(), &[("content-length", "9")]));

    assert_eq!(field(&head, "content-length"), Some("0"));
}

#[test]
fn repeated_length_becomes_one() {
    let fields = [("content-length", "4"), ("content-length", "4")];
    let head = written(with_fields(full("four"), &fields));

    assert_eq!(field(&head, "content-length"), Some("4"));
}

#[test]
fn transfer_coding_of_the_client_is_not_passed_on() {
    let fields = [("transfer-encoding", "gzip, chunked")];

    let known = written(with_fields(full("four"), &fields));
    let unknown = written(with_fields(chunks(&["a", "b"]), &fields));

    assert_eq!(field(&known, "transfer-encoding"), None);
    assert_eq!(field(&unknown, "transfer-encoding"), Some("chunked"));
}

#[test]
fn declared_length_frames_a_body_that_does_not_know_its_own() {
    let request = written(with_fields(chunks(&["a", "b"]), &[("content-length", "2")]));
    assert!(
        request.ends_with("content-length: 2\r\n\r\nab"),
        "{request}"
    );

    for nonsense in ["x", "1, 2", "-1"] {
        let fields = [("content-length", nonsense)];
        let request = written(with_fields(chunks(&["a", "b"]), &fields));
        assert_eq!(field(&request, "content-length"), None);
        assert_eq!(field(&request, "transfer-encoding"), Some("chunked"));
    }
}

#[test]
fn head_and_body_go_out_in_one_write() {
    for length in [4, 1_000_000] {
        let script = Script::new();
        write(&script, request("POST", full(vec![b'x'; length])));

        let writes = script.writes();
        assert_eq!(writes.len(), 1);
        assert!(writes[0].ends_with(b"x") && writes[0].len() > length);
        assert_eq!(script.flushes(), 1);
    }
}

#[test]
fn last_chunk_goes_out_with_its_end() {
    let script = Script::new();
    let body = Once(Some(Bytes::from("data")));
    write(&script, with_fields(body, &[]));

    assert_eq!(script.writes().len(), 1);
    assert!(script.written().ends_with("\r\n\r\n4\r\ndata\r\n0\r\n\r\n"));
}

#[test]
fn trailers_come_behind_the_chunks() {
    let trailers = HeaderMap::from_iter([
        (
            http::HeaderName::from_static("x-sum"),
            "1".parse().expect("a value"),
        ),
        (http::header::CONTENT_LENGTH, "9".parse().expect("a value")),
        (
            http::header::TRANSFER_ENCODING,
            "x".parse().expect("a value"),
        ),
    ]);
    let body = frames([
        Frame::data(Bytes::from("data")),
        Frame::data(Bytes::new()),
        Frame::trailers(trailers),
    ]);
    let request = written(with_fields(body, &[]));

    let (_, sent) = request.split_once("\r\n\r\n").expect("a head");
    assert_eq!(sent, "4\r\ndata\r\n0\r\nx-sum: 1\r\n\r\n");
}

#[test]
fn body_that_lies_about_its_length_fails() {
    for (length, part) in [("5", "four"), ("3", "four")] {
        let body = frames([Frame::data(Bytes::from(part))]);
        let Attempt { end, .. } = write(
            &Script::new(),
            with_fields(body, &[("content-length", length)]),
        );

        assert!(
            matches!(end, Poll::Ready(Err(Unwritten::Body(_)))),
            "{length}"
        );
    }
}

#[test]
fn request_that_waits_for_its_body_has_sent_its_head() {
    let script = Script::new();
    let Attempt { outgoing, end } = write(&script, with_fields(Sized(4), &[]));

    assert!(end.is_pending() && outgoing.has_written() && !outgoing.is_complete());
    assert!(script.written().ends_with("content-length: 4\r\n\r\n"));
    assert_eq!(script.flushes(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever a request said of its length, it says the truth or nothing afterwards.
    #[test]
    fn declared_length_is_the_true_length(length in any::<u64>(), said in "[!-~]([ -~]{0,20}[!-~])?") {
        let script = Script::new();
        write(&script, with_fields(Sized(length), &[("content-length", &said)]));

        let head = script.written();
        let length = length.to_string();
        prop_assert_eq!(field(&head, "content-length"), Some(length.as_str()));
        prop_assert_eq!(field(&head, "transfer-encoding"), None);
    }

    /// However little a transport takes at a time, and whether it takes several pieces
    /// or one, the same bytes are sent.
    #[test]
    fn short_writes_make_no_difference(
        most in 1_usize..2_000,
        is_vectored in any::<bool>(),
        parts in vec(vec(any::<u8>(), 0..3_000), 0..6),
    ) {
        let body = || frames(parts.iter().cloned().map(|part| Frame::data(part.into())));
        let at_once = Script::new();
        write(&at_once, request("POST", body()));
        let mut piecemeal = Script::new().with_writes_of(most);
        if !is_vectored {
            piecemeal = piecemeal.without_vectored_writes();
        }
        let Attempt { outgoing, .. } = write(&piecemeal, request("POST", body()));

        prop_assert!(outgoing.is_complete());
        prop_assert_eq!(at_once.writes().concat(), piecemeal.writes().concat());
    }
}
