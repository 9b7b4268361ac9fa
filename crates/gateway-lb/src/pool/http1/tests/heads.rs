//! Reading the heads of responses.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use crate::pool::error::InvalidResponse;
use crate::pool::http1::body::Length;
use crate::pool::http1::head::{Head, InvalidHead, room};

struct Read {
    length: usize,
    status: StatusCode,
    body: Length,
    persists: bool,
    headers: HeaderMap,
}

fn read(bytes: &[u8]) -> Result<Option<Read>, InvalidHead> {
    read_answer_to(bytes, false)
}

fn read_answer_to(bytes: &[u8], head: bool) -> Result<Option<Read>, InvalidHead> {
    let mut room = room();
    let Some(head) = Head::parse(bytes, &mut room, head)? else {
        return Ok(None);
    };
    let mut headers = HeaderMap::new();
    head.fields(&Bytes::copy_from_slice(bytes), &mut headers)?;
    Ok(Some(Read {
        length: head.length,
        status: head.status,
        body: head.body,
        persists: head.persists,
        headers,
    }))
}

fn whole(text: &str) -> Read {
    read(text.as_bytes()).expect(text).expect("a whole head")
}

fn refusal(text: &str) -> InvalidHead {
    match read(text.as_bytes()) {
        Err(reason) => reason,
        Ok(_) => panic!("accepted: {text:?}"),
    }
}

fn ambiguous(reason: InvalidResponse) -> InvalidHead {
    InvalidHead::Ambiguous(reason)
}

#[test]
fn head_is_read_as_it_is_written() {
    let text =
        "HTTP/1.1 200 OK\r\nServer: origin\r\nx-empty:\r\nX-Two: a\r\nx-two:  b \r\n\r\nrest";
    let head = whole(text);

    assert_eq!(head.status, 200);
    assert_eq!(head.length, text.len() - 4);
    assert_eq!(head.headers["server"], "origin");
    assert_eq!(head.headers["x-empty"], "");
    let two: Vec<_> = head.headers.get_all("x-two").iter().collect();
    assert_eq!(two, ["a", "b"]);
}

#[test]
fn statuses_without_a_body_have_none() {
    for status in ["100", "101", "103", "204", "304"] {
        let head = whole(&format!("HTTP/1.1 {status} X\r\ncontent-length: 5\r\n\r\n"));
        assert_eq!(head.body, Length::Known(0), "{status}");
    }
    let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let head = read_answer_to(answer, true)
        .expect("valid")
        .expect("a whole head");
    assert_eq!(head.body, Length::Known(0));
}

#[test]
fn body_without_a_length_ends_with_the_connection() {
    let head = whole("HTTP/1.1 200 OK\r\n\r\n");

    assert_eq!(head.body, Length::UntilClose);
    assert!(!head.persists);
}

#[test]
fn connections_persist_as_the_versions_say() {
    let persists = |version: &str, connection: &str| {
        whole(&format!(
            "HTTP/1.{version} 200 OK\r\ncontent-length: 0\r\n{connection}\r\n"
        ))
        .persists
    };

    assert!(persists("1", ""));
    assert!(persists("1", "connection: x-one, keep-alive\r\n"));
    assert!(!persists("1", "connection: close\r\n"));
    assert!(!persists(
        "1",
        "Connection: keep-alive\r\nConnection: x , CLOSE\r\n"
    ));
    assert!(!persists("0", ""));
    assert!(persists("0", "connection: Keep-Alive\r\n"));
}

#[test]
fn equal_lengths_are_one() {
    for lengths in [
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 05",
        "content-length: 5, 5",
    ] {
        let head = whole(&format!("HTTP/1.1 200 OK\r\n{lengths}\r\n\r\n"));

        assert_eq!(head.body, Length::Known(5));
        let told: Vec<_> = head.headers.get_all("content-length").iter().collect();
        assert_eq!(told, ["5"], "{lengths}");
    }
}

#[test]
fn lengths_that_are_none_are_refused() {
    for length in [
        "",
        "+5",
        "-1",
        "0x5",
        "5 5",
        "5,",
        ",",
        "5, 6",
        "18446744073709551616",
    ] {
        let reason = refusal(&format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"
        ));

        assert_eq!(reason, ambiguous(InvalidResponse::NoLength), "{length:?}");
    }
}

#[test]
fn old_responses_have_no_transfer_coding() {
    assert_eq!(
        refusal("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ambiguous(InvalidResponse::ForeignTransferCoding)
    );
}

#[test]
fn line_feeds_alone_do_not_end_lines() {
    for text in [
        "HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\n",
        "HTTP/1.1 200 OK\n\n",
    ] {
        assert_eq!(refusal(text), ambiguous(InvalidResponse::BareLineFeed));
    }
}

#[test]
fn what_is_not_a_head_is_refused() {
    for text in [
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        " HTTP/1.1 200 OK\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname : x\r\n\r\n",
        "HTTP/1.1 200 OK\r\n name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname: x\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname: x\ry\r\n\r\n",
        "HTTP/1.1 200 OK\r\nname: x\0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nnothing\r\n\r\n",
    ] {
        assert!(
            matches!(refusal(text), InvalidHead::Malformed(_)),
            "{text:?}"
        );
    }
}

#[test]
fn number_of_fields_has_a_limit() {
    let fields = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(count));

    assert_eq!(whole(&fields(100)).headers.len(), 100);
    assert_eq!(
        refusal(&fields(101)),
        InvalidHead::Malformed(httparse::Error::TooManyHeaders)
    );
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("x-[a-z]{1,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..12)
}

proptest! {
    /// Nothing that a backend sends makes the reader panic.
    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..200)) {
        let _: Result<Option<Read>, InvalidHead> = read(&bytes);
        let head = [b"HTTP/1.1 200 OK\r\n".as_slice(), &bytes, b"\r\n\r\n"].concat();
        let _: Result<Option<Read>, InvalidHead> = read(&head);
    }

    /// A head is complete with its last byte and not before.
    #[test]
    fn every_beginning_of_a_head_is_incomplete(fields in fields()) {
        let mut text = String::from("HTTP/1.1 404 Not Found\r\n");
        for (name, value) in &fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");

        for end in 0..text.len() {
            prop_assert!(matches!(read(&text.as_bytes()[..end]), Ok(None)));
        }
        let head = whole(&text);
        prop_assert_eq!(head.length, text.len());
        prop_assert_eq!(head.headers.len(), fields.len());
        for (name, value) in &fields {
            prop_assert!(head.headers.get_all(name).iter().any(|other| other == value));
        }
    }

    /// The one coding that is accepted is `chunked`, alone and without a length.
    #[test]
    fn foreign_codings_are_refused(coding in "[!-~]{1,12}", has_length in any::<bool>()) {
        let length = if has_length { "content-length: 1\r\n" } else { "" };
        let text = format!("HTTP/1.1 200 OK\r\n{length}transfer-encoding: {coding}\r\n\r\n");

        match read(text.as_bytes()) {
            Ok(head) => {
                prop_assert!(coding.eq_ignore_ascii_case("chunked") && !has_length);
                prop_assert_eq!(head.expect("a whole head").body, Length::Chunked);
            }
            Err(reason) if coding.eq_ignore_ascii_case("chunked") => {
                prop_assert_eq!(reason, ambiguous(InvalidResponse::TwoLengths));
            }
            Err(reason) => {
                prop_assert_eq!(reason, ambiguous(InvalidResponse::ForeignTransferCoding));
            }
        }
    }

    /// Every length is read as it is.
    #[test]
    fn lengths_alone_are_accepted(length in any::<u64>()) {
        let head = whole(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"));

        prop_assert_eq!(head.body, Length::Known(length));
    }
}
