//! Which names are kept, and what new ones look like.

use http::{HeaderValue, Request, Response};
use proptest::prelude::*;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::*;
use crate::framing::SENDERS;
use crate::script::assert_thread_safe;

fn with_id(value: &str) -> Request<()> {
    let mut request = Request::new(());
    let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
    request.headers_mut().append("x-request-id", value);
    request
}

fn named(ids: &RequestIds, mut request: Request<()>) -> String {
    let id = ids.apply(&mut request);

    assert_eq!(request.headers().get_all(ids.header()).iter().count(), 1);
    assert_eq!(request.headers()[ids.header()], id.0);
    assert_eq!(request.extensions().get(), Some(&id));
    id.0.to_str().expect("ASCII").to_owned()
}

#[test]
fn odd_names_are_replaced() {
    let long = "x".repeat(129);
    for odd in [
        "",
        "a b",
        "a\tb",
        "é",
        "\"quoted\"",
        "a,b",
        "<script>",
        &long,
    ] {
        assert_ne!(named(&RequestIds::new(), with_id(odd)), odd);
    }
    let most = "x".repeat(128);
    assert_eq!(named(&RequestIds::new(), with_id(&most)), most);
}

#[test]
fn two_names_are_none() {
    let mut request = with_id("one");
    let two = HeaderValue::from_static("two");
    request.headers_mut().append("x-request-id", two);

    let id = named(&RequestIds::new(), request);

    assert!(id != "one" && id != "two");
}

#[test]
fn untrusted_client_names_nothing() {
    let ids = RequestIds::new().with_trusted_clients(false);

    assert_ne!(named(&ids, with_id("mine")), "mine");
}

#[tokio::test]
async fn response_has_the_name_unless_told_not_to() {
    let backend = service_fn(|_: Request<()>| async { Ok::<_, BoxError>(Response::new(())) });
    let ids = RequestIds::new().with_header("x-trace").expect("a name");
    let quiet = ids.clone().with_returned(false);

    let named = RequestIdLayer::new(ids).layer(backend);
    let response = named.oneshot(Request::new(())).await.expect("answered");
    assert_eq!(response.headers()["x-trace"].len(), 36);

    let unnamed = RequestIdLayer::new(quiet).layer(backend);
    let response = unnamed.oneshot(Request::new(())).await.expect("answered");
    assert!(response.headers().is_empty());
}

#[test]
fn header_has_to_be_a_name() {
    let refused = RequestIds::new().with_header("a b").expect_err("no token");

    assert_eq!(refused.to_string(), "\"a b\" is not a header name");
    for name in SENDERS {
        assert!(RequestIds::new().with_header(name).is_err(), "{name}");
    }
}

#[test]
fn public_types_cross_threads() {
    assert_thread_safe::<RequestIdLayer>();
    assert_thread_safe::<RequestIdService<()>>();
    assert_thread_safe::<ResponseFuture<std::future::Ready<()>>>();
}

proptest! {
    /// New names are UUIDs of version 4, and differ.
    #[test]
    fn new_names_are_random_uuids(_ in any::<u8>()) {
        let [one, two] = [(); 2].map(|()| named(&RequestIds::new(), Request::new(())));
        prop_assert_ne!(&one, &two);
        let parts: Vec<_> = one.split('-').collect();

        prop_assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        prop_assert!(parts[2].starts_with('4'));
        prop_assert!(parts[3].starts_with(['8', '9', 'a', 'b']));
        prop_assert!(one.chars().all(|c| c == '-' || c.is_ascii_hexdigit()));
    }
}
