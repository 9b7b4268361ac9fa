//! What a match asks for besides a path, held against a request.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode;

use super::RequestHead;
use crate::model::RouteMatch;

/// Whether method, headers and query parameters are as `condition` asks.
pub(super) fn hold(condition: &RouteMatch, head: &RequestHead<'_>) -> bool {
    condition
        .method()
        .is_none_or(|method| method == head.method)
        && condition.headers().iter().all(|header| {
            header_value(head.headers, &header.name)
                .is_some_and(|value| header.value.matches(&value))
        })
        && condition.query().iter().all(|query| {
            query_value(head.query, &query.name).is_some_and(|value| query.value.matches(&value))
        })
}

/// Whether `condition` asks for anything besides a path.
pub(super) fn exist(condition: &RouteMatch) -> bool {
    condition.method().is_some() || !condition.headers().is_empty() || !condition.query().is_empty()
}

/// The value of a header; those of several lines are joined by `,`.
pub(super) fn header_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?.as_bytes();
    let Some(second) = lines.next() else {
        return Some(Cow::Borrowed(first));
    };

    let mut joined = first.to_vec();
    for line in std::iter::once(second).chain(lines) {
        joined.push(b',');
        joined.extend_from_slice(line.as_bytes());
    }
    Some(Cow::Owned(joined))
}

/// The decoded value of the first query parameter called `name`; one that is
/// written without `=` is empty.
pub(super) fn query_value<'a>(query: Option<&'a str>, name: &str) -> Option<Cow<'a, [u8]>> {
    query?
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .find(|(found, _)| is_encoding_of(found, name))
        .map(|(_, value)| decode(value))
}

fn is_encoding_of(text: &str, plain: &str) -> bool {
    if is_encoded(text) {
        decoded_bytes(text).eq(plain.bytes())
    } else {
        text == plain
    }
}

fn decode(text: &str) -> Cow<'_, [u8]> {
    if is_encoded(text) {
        Cow::Owned(decoded_bytes(text).collect())
    } else {
        Cow::Borrowed(text.as_bytes())
    }
}

fn is_encoded(text: &str) -> bool {
    text.bytes().any(|byte| byte == b'%' || byte == b'+')
}

/// A `+` is a space, while `%2B` is a plus: so the text is cut before it is
/// decoded.
fn decoded_bytes(text: &str) -> impl Iterator<Item = u8> {
    text.split('+').enumerate().flat_map(|(index, part)| {
        let space = (index > 0).then_some(b' ');

        space.into_iter().chain(percent_decode(part.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};
    use proptest::prelude::*;

    use super::*;
    use crate::model::ValueMatch;

    fn query(text: &str, name: &str) -> Option<String> {
        query_value(Some(text), name).map(|value| String::from_utf8(value.into_owned()).unwrap())
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn query_parameters_are_decoded_as_forms_are() {
        assert_eq!(query("a=x%20y", "a").as_deref(), Some("x y"));
        assert_eq!(query("a=x+y", "a").as_deref(), Some("x y"));
        assert_eq!(query("a=x%2By", "a").as_deref(), Some("x+y"));
        assert_eq!(query("%61=1", "a").as_deref(), Some("1"));
        assert_eq!(query("a+b=1", "a b").as_deref(), Some("1"));
        assert_eq!(query("a=100%", "a").as_deref(), Some("100%"));
    }

    #[test]
    fn the_first_of_several_parameters_counts() {
        assert_eq!(query("b=0&a=1&a=2", "a").as_deref(), Some("1"));
    }

    #[test]
    fn parameter_names_are_case_sensitive() {
        assert_eq!(query("A=1", "a"), None);
    }

    #[test]
    fn a_parameter_without_a_value_is_empty() {
        assert_eq!(query("&&a&b=1", "a").as_deref(), Some(""));
        assert_eq!(query("a=b=c", "a").as_deref(), Some("b=c"));
        assert_eq!(query_value(None, "a"), None);
    }

    #[test]
    fn lines_of_one_header_are_joined_by_a_comma() {
        let headers = headers(&[("x-a", "1"), ("X-A", "2"), ("x-b", "3")]);
        let value = header_value(&headers, &HeaderName::from_static("x-a"));

        assert_eq!(value.as_deref(), Some(&b"1,2"[..]));
    }

    #[test]
    fn an_ordinary_request_is_compared_without_copies() {
        let headers = headers(&[("x-a", "1")]);

        assert!(matches!(
            header_value(&headers, &HeaderName::from_static("x-a")),
            Some(Cow::Borrowed(b"1"))
        ));
        assert!(matches!(
            query_value(Some("a=1"), "a"),
            Some(Cow::Borrowed(b"1"))
        ));
    }

    #[test]
    fn every_part_must_hold() {
        let condition = RouteMatch::any()
            .with_method(Method::GET)
            .with_header(HeaderName::from_static("x-a"), ValueMatch::exact("1"))
            .with_query("q", ValueMatch::regex("[0-9]+").unwrap());
        let (one, two) = (headers(&[("x-a", "1")]), headers(&[("x-a", "2")]));
        let holds = |method: Method, headers: &HeaderMap, query: &str| {
            let head = RequestHead {
                host: "a",
                path: "/",
                query: Some(query),
                method: &method,
                headers,
            };
            hold(&condition, &head)
        };

        assert!(holds(Method::GET, &one, "q=12"));
        assert!(!holds(Method::POST, &one, "q=12"));
        assert!(!holds(Method::GET, &two, "q=12"));
        assert!(!holds(Method::GET, &one, "q=12x"));
        assert!(!holds(Method::GET, &one, "r=12"));
    }

    proptest! {
        /// Whatever a value is, it is found again however it was encoded.
        #[test]
        fn encoded_values_are_found_again(value in ".{0,12}", raw in "[a+% 0-9A-F]{0,8}") {
            let encoded = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
            let text = format!("x=0&n%61me={encoded}");

            prop_assert_eq!(query(&text, "name"), Some(value));
            prop_assert!(is_encoding_of(&raw, &String::from_utf8_lossy(&decode(&raw))) || decode(&raw).iter().any(|byte| *byte > 127));
        }
    }
}
