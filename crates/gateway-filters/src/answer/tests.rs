//! What an answer can be, and what becomes of it.

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;

use super::*;
use crate::script::run;

fn ok() -> Answer {
    Answer::new(StatusCode::OK).expect("final")
}

#[test]
fn later_header_replaces_an_earlier_one() {
    let answer = Answer::new(StatusCode::OK)
        .and_then(|answer| answer.with_header("x-a", "1"))
        .and_then(|answer| answer.with_header("X-A", "2"))
        .and_then(|answer| answer.with_another_header("x-a", "3"))
        .expect("valid");

    let response: Response<Bytes> = answer.response();

    let values: Vec<_> = response.headers().get_all("x-a").iter().collect();
    assert_eq!(values, ["2", "3"]);
}

#[test]
fn response_is_marked_as_made_here() {
    let response: Response<Bytes> = ok().response();

    assert!(response.extensions().get::<AnsweredHere>().is_some());
}

#[test]
fn framing_is_not_for_the_configuration() {
    for name in [
        "Content-Length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "trailer",
    ] {
        let expected = InvalidAnswer::Framing {
            name: HeaderName::from_bytes(name.as_bytes()).expect("a name"),
        };

        let outcome = ok().with_header(name, "5");

        assert_eq!(outcome, Err(expected));
    }
}

#[test]
fn names_and_values_are_checked() {
    let answer = ok();

    assert_eq!(
        answer.clone().with_header("a b", "c"),
        Err(InvalidAnswer::Name { name: "a b".into() })
    );
    assert_eq!(
        answer.with_header("x-a", "b\r\nc: d"),
        Err(InvalidAnswer::Value {
            name: HeaderName::from_static("x-a")
        })
    );
}

#[test]
fn bodies_are_for_statuses_that_have_one() {
    for status in [204, 205, 304] {
        let status = StatusCode::from_u16(status).expect("a status");

        let answer = Answer::new(status).expect("final");

        assert_eq!(
            answer.clone().with_text("hello"),
            Err(InvalidAnswer::NoBody { status })
        );
        assert!(answer.with_body("").is_ok());
    }
}

#[test]
fn interim_statuses_are_no_answers() {
    let status = StatusCode::SWITCHING_PROTOCOLS;

    assert_eq!(Answer::new(status), Err(InvalidAnswer::Interim { status }));
}

#[test]
fn body_of_the_backend_comes_out_as_it_went_in() {
    let body = AnswerBody::inner("from the backend".to_owned());

    assert_eq!(body.try_into_inner(), Ok("from the backend".to_owned()));
}

proptest! {
    /// Bytes are what is read, and their number is known before.
    #[test]
    fn bytes_are_read_as_given(bytes: Vec<u8>) {
        let body = AnswerBody::<Full<Bytes>>::from(Bytes::from(bytes.clone()));

        prop_assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        prop_assert_eq!(body.is_end_stream(), bytes.is_empty());
        prop_assert_eq!(run(body.collect()).expect("no error").to_bytes(), bytes);
    }
}
