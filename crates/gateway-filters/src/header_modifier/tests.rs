use std::convert::Infallible;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use super::*;

fn modifier(
    build: impl FnOnce(HeaderModifier) -> Result<HeaderModifier, InvalidHeaderModifier>,
) -> HeaderModifier {
    build(HeaderModifier::new()).expect("valid")
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    pairs.iter().map(pair).collect()
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
    headers.get_all(name).iter().map(text).collect()
}

#[test]
fn set_replaces_every_value() {
    let mut map = HeaderMap::new();
    map.append("x-a", HeaderValue::from_static("1"));
    map.append("x-a", HeaderValue::from_static("2"));

    modifier(|m| m.set("X-A", "3")).apply(&mut map);

    assert_eq!(values(&map, "x-a"), ["3"]);
}

#[test]
fn add_comes_after_what_is_there() {
    let mut map = headers(&[("my-header", "foo")]);

    modifier(|m| m.add("My-Header", "bar,baz")?.add("my-header", "last")).apply(&mut map);

    assert_eq!(values(&map, "my-header"), ["foo", "bar,baz", "last"]);
}

#[test]
fn remove_is_blind_to_case() {
    let mut map = headers(&[("x-a", "1"), ("x-b", "2")]);

    modifier(|m| m.remove("X-a")).apply(&mut map);

    assert_eq!(map, headers(&[("x-b", "2")]));
}

#[test]
fn first_of_two_set_values_counts() {
    let mut map = HeaderMap::new();

    modifier(|m| m.set("x-a", "first")?.set("X-A", "second")).apply(&mut map);

    assert_eq!(values(&map, "x-a"), ["first"]);
}

#[test]
fn name_in_all_three_lists_is_removed() {
    let mut map = headers(&[("x-a", "0")]);

    modifier(|m| m.remove("x-a")?.add("x-a", "1")?.set("x-a", "2")).apply(&mut map);

    assert!(map.is_empty());
}

#[test]
fn name_set_and_added_has_both() {
    let mut map = headers(&[("x-a", "0")]);

    modifier(|m| m.add("x-a", "2")?.set("x-a", "1")).apply(&mut map);

    assert_eq!(values(&map, "x-a"), ["1", "2"]);
}

#[test]
fn pseudo_headers_are_refused() {
    let error = HeaderModifier::new()
        .set(":path", "/")
        .expect_err("not a token");

    assert_eq!(error.to_string(), "\":path\" is not a header name");
}

#[test]
fn refused_values_are_not_told() {
    let error = HeaderModifier::new()
        .add("x-token", "secret\r\n")
        .expect_err("line break");

    assert_eq!(
        error.to_string(),
        "the value of x-token has a forbidden byte"
    );
}

#[tokio::test]
async fn request_is_edited_before_the_service_sees_it() {
    let service = ServiceBuilder::new()
        .layer(RequestHeaderModifierLayer::new(modifier(|m| {
            m.set("x-a", "set")
        })))
        .service(service_fn(|request: Request<()>| async move {
            Ok::<_, Infallible>(Response::new(values(request.headers(), "x-a")))
        }));

    let response = service.oneshot(Request::new(())).await.expect("infallible");

    assert_eq!(response.body(), &["set"]);
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn errors_pass_through_the_response_layer() {
    let service = ServiceBuilder::new()
        .layer(ResponseHeaderModifierLayer::new(HeaderModifier::new()))
        .service(service_fn(|(): ()| async {
            Err::<Response<()>, _>("refused")
        }));

    let error = service.oneshot(()).await.expect_err("always fails");

    assert_eq!(error, "refused");
}

/// Few names, so that they meet.
fn names() -> impl Strategy<Value = String> {
    "[a-cA-C]"
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((names(), "[!-~]{1,4}"), 0..6)
}

fn header_maps() -> impl Strategy<Value = HeaderMap> {
    vec(("[a-e]", "[!-~]{1,4}"), 0..10).prop_map(|pairs| {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().expect("token");
            map.append(name, value.parse().expect("text"));
        }
        map
    })
}

prop_compose! {
    fn modifiers()(set in pairs(), add in pairs(), remove in vec(names(), 0..3))
        -> HeaderModifier
    {
        let mut modifier = HeaderModifier::new();
        for (name, value) in &set {
            modifier = modifier.set(name, value).expect("valid");
        }
        for (name, value) in &add {
            modifier = modifier.add(name, value).expect("valid");
        }
        for name in &remove {
            modifier = modifier.remove(name).expect("valid");
        }
        modifier
    }
}

proptest! {
    /// Headers the modifier does not name come out as they went in.
    #[test]
    fn other_headers_are_left_alone(modifier in modifiers(), before in header_maps()) {
        let mut after = before.clone();
        modifier.apply(&mut after);

        for name in before.keys().chain(after.keys()) {
            if !modifier.names().any(|named| named == name) {
                prop_assert!(before.get_all(name).iter().eq(after.get_all(name)));
            }
        }
    }

    /// A named header ends as the documented order has it: set, then added, then removed.
    #[test]
    fn named_headers_end_as_documented(modifier in modifiers(), before in header_maps()) {
        let mut after = before.clone();
        modifier.apply(&mut after);

        for name in modifier.names() {
            let set = modifier.set.iter().find(|(set, _)| set == name);
            let mut expected: Vec<_> = match set {
                Some((_, value)) => vec![value],
                None => before.get_all(name).iter().collect(),
            };
            expected.extend(modifier.add.iter().filter(|(add, _)| add == name).map(|(_, v)| v));
            if modifier.remove.contains(name) {
                expected.clear();
            }

            prop_assert_eq!(after.get_all(name).iter().collect::<Vec<_>>(), expected);
        }
    }

    /// An empty modifier changes nothing, and only an empty one is said to be empty.
    #[test]
    fn empty_modifier_changes_nothing(before in header_maps(), other in modifiers()) {
        let mut after = before.clone();
        HeaderModifier::new().apply(&mut after);

        prop_assert_eq!(after, before);
        prop_assert!(HeaderModifier::new().is_empty());
        prop_assert_eq!(other.is_empty(), other.names().next().is_none());
    }

    /// Whatever is written is refused or can be applied; it never panics.
    #[test]
    fn any_text_is_refused_or_applied(name in "[a-zA-Z-]{1,4}|.*", value in ".*") {
        if let Ok(modifier) = HeaderModifier::new().set(&name, &value) {
            let mut map = HeaderMap::new();
            modifier.apply(&mut map);

            prop_assert_eq!(values_as_bytes(&map, &name), [value.as_bytes()]);
        }
    }
}

fn values_as_bytes<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    let values = headers.get_all(name).iter();
    values.map(HeaderValue::as_bytes).collect()
}
