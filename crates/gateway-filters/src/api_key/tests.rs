//! Which keys are right, where they are found, and what is left of them.

use http::request::Parts;
use http::{HeaderValue, Request};
use proptest::prelude::*;

use super::*;
use crate::answer::Answer;
use crate::consumer::Consumer;
use crate::framing::SENDERS;
use crate::guard::Guard;
use crate::script::assert_thread_safe;

fn keys() -> ApiKeys {
    ApiKeys::new()
        .in_header("x-api-key")
        .and_then(|keys| keys.in_header("authorization"))
        .and_then(|keys| keys.in_query("key"))
        .and_then(|keys| keys.in_cookie("k"))
        .and_then(|keys| keys.with_key("acme", "one"))
        .and_then(|keys| keys.with_key("acme", "two & more"))
        .and_then(|keys| keys.with_key("zeta", "three"))
        .and_then(|keys| keys.with_consumer_header("x-consumer"))
        .expect("valid")
}

fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(uri).header("x-consumer", "root");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("valid").into_parts().0
}

type Headers = &'static [(&'static str, &'static str)];

#[test]
fn key_is_found_in_every_place_and_removed() {
    let table: [(&str, Headers, &str); 6] = [
        ("/a", &[("x-api-key", "one")], "/a"),
        ("/a", &[("authorization", "bearer  one ")], "/a"),
        ("/a?key=one", &[], "/a"),
        ("/a?b=c&key=two+%26%20more&d", &[], "/a?b=c&d"),
        ("/a?k%65y=one&b", &[], "/a?b"),
        (
            "http://shop.example/a?key=one",
            &[],
            "http://shop.example/a",
        ),
    ];

    for (uri, headers, expected) in table {
        let mut head = head(uri, headers);
        keys().check(&mut head).expect(uri);

        assert_eq!(head.uri, expected);
        assert_eq!(head.headers["x-consumer"], "acme");
        assert_eq!(head.extensions.get(), Some(&Consumer("acme".into())));
        assert!(
            !head.headers.contains_key("x-api-key") && !head.headers.contains_key("authorization")
        );
    }
}

#[test]
fn key_in_a_cookie_is_found_among_others_which_stay() {
    type Lines = &'static [&'static [u8]];
    let table: [(Lines, Lines); 5] = [
        (&[b"x=1; k=\"one\"; y=2", b"z=3"], &[b"x=1; y=2", b"z=3"]),
        (&[b"k=one"], &[]),
        (&[b"x=1", b"k=one"], &[b"x=1"]),
        // Not ASCII, and no UTF-8 either.
        (&[b"a=\xff;k=one"], &[b"a=\xff"]),
        (
            &[b" a=\xff ;; b=\xc3\xa4;", b"k=one"],
            &[b" a=\xff ;; b=\xc3\xa4;"],
        ),
    ];

    for (lines, expected) in table {
        let mut head = head("/", &[]);
        for line in lines {
            let line = HeaderValue::from_bytes(line).expect("valid");
            head.headers.append("cookie", line);
        }

        keys().check(&mut head).expect("passes");

        let left = head.headers.get_all("cookie").iter();
        let left: Vec<_> = left.map(HeaderValue::as_bytes).collect();
        assert_eq!(left, expected);
    }
}

#[test]
fn cookies_that_are_no_key_stay_as_they_are() {
    let mut head = head("/", &[("x-api-key", "one")]);
    let line = HeaderValue::from_bytes(b"a=\xff;b ;; k2=1").expect("valid");
    head.headers.insert("cookie", line.clone());

    keys().check(&mut head).expect("passes");

    assert_eq!(head.headers["cookie"], line);
}

#[test]
fn keys_are_forwarded_if_told() {
    let mut head = head("/a?key=three", &[]);

    keys()
        .with_forwarded_keys(true)
        .check(&mut head)
        .expect("passes");

    assert_eq!(head.uri, "/a?key=three");
    assert_eq!(head.headers["x-consumer"], "zeta");
}

#[test]
fn everything_else_is_refused() {
    let table: [(&str, Headers); 9] = [
        ("/", &[]),
        ("/", &[("x-api-key", "")]),
        ("/", &[("x-api-key", "on")]),
        ("/", &[("authorization", "one")]),
        ("/", &[("authorization", "Basic one")]),
        // A right key elsewhere does not make up for it.
        ("/?key=one", &[("x-api-key", "wrong")]),
        ("/?key=one&key=one", &[]),
        ("/", &[("x-api-key", "one"), ("x-api-key", "one")]),
        ("/", &[("cookie", "k")]),
    ];

    for (uri, headers) in table {
        let answer = keys().check(&mut head(uri, headers)).expect_err("refused");
        assert_eq!(answer.status(), 401, "{uri} {headers:?}");
    }
    assert!(ApiKeys::new().check(&mut head("/", &[])).is_err());
}

#[test]
fn refusal_is_what_was_chosen() {
    let keys = keys().with_answer(Answer::grpc(16, "no key"));

    let answer = keys.check(&mut head("/", &[])).expect_err("refused");

    assert_eq!(answer, Answer::grpc(16, "no key"));
}

#[test]
fn odd_settings_are_refused() {
    let keys = keys();

    assert!(keys.clone().in_header("a b").is_err());
    assert!(keys.clone().in_query("").is_err());
    assert!(keys.clone().in_cookie("a=b").is_err());
    assert!(keys.clone().with_key("", "x").is_err());
    assert!(keys.clone().with_key("a", "").is_err());
    assert!(keys.clone().with_key("zeta", "three").is_ok());
    for name in SENDERS {
        assert!(keys.clone().in_header(name).is_err(), "{name}");
        assert!(keys.clone().with_consumer_header(name).is_err(), "{name}");
    }
    let shared = keys.with_key("acme", "three").expect_err("another's");
    assert_eq!(shared.to_string(), "acme has a key of zeta");
}

#[test]
fn keys_are_not_printed() {
    assert!(!format!("{:?}", keys()).contains("three"));
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<ApiKeyLayer>();
    assert_thread_safe::<ApiKeyService<()>>();
}

proptest! {
    /// Nothing but a key that was given passes.
    #[test]
    fn only_what_was_given_passes(key in "[onethr]{0,5}") {
        let right = ["one", "three"].contains(&key.as_str());

        let passes = keys().check(&mut head("/", &[("x-api-key", &key)])).is_ok();
        prop_assert_eq!(passes, right);
    }

    /// Taking a key out of a query leaves the other parameters as they were.
    #[test]
    fn other_parameters_stay(before in "([a-j]=[a-z0-9%]{0,3}&){0,3}", after in "(&[a-j]=[a-z]{0,3}){0,3}") {
        let uri = format!("/path?{before}key=one{after}");
        prop_assume!(uri.parse::<http::Uri>().is_ok());
        let mut head = head(&uri, &[]);

        keys().check(&mut head).expect("passes");

        let rest = format!("{before}{}", after.trim_start_matches('&'));
        let rest = rest.trim_end_matches('&');
        prop_assert_eq!(head.uri.query().unwrap_or_default(), rest);
    }
}
