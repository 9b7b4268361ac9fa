//! Where a key can be.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

/// A place to look for a key.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Place {
    Header(HeaderName),
    Query(Box<str>),
    Cookie(Box<str>),
}

/// What is in a place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Found<'a> {
    Nothing,
    One(Cow<'a, [u8]>),
    /// Several values, or one that cannot be read: no key.
    Unreadable,
}

impl<'a> Found<'a> {
    fn of(mut values: impl Iterator<Item = Option<Cow<'a, [u8]>>>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(Some(value)), None) => Self::One(value),
            (Some(_), _) => Self::Unreadable,
        }
    }
}

impl Place {
    /// What is in this place of a request.
    pub(super) fn find<'a>(&self, head: &'a Parts) -> Found<'a> {
        match self {
            Self::Header(name) => {
                let bearer = *name == AUTHORIZATION;
                Found::of(head.headers.get_all(name).iter().map(|value| {
                    let bytes = value.as_bytes();
                    let key = if bearer {
                        after_bearer(bytes)
                    } else {
                        Some(bytes)
                    };
                    key.map(Cow::Borrowed)
                }))
            }
            Self::Query(name) => {
                let query = head.uri.query().unwrap_or_default();
                Found::of(
                    parameters(query)
                        .filter(|(there, _)| is_parameter(there, name))
                        .map(|(_, value)| {
                            let plain = value.replace('+', " ");
                            Some(Cow::Owned(percent_decode_str(&plain).collect()))
                        }),
                )
            }
            Self::Cookie(name) => Found::of(
                cookies(&head.headers)
                    .filter(|cookie| is_cookie(cookie, name))
                    .map(|cookie| name_and_value(cookie).1.map(|v| unquoted(v).into())),
            ),
        }
    }

    /// Removes what is in this place.
    pub(super) fn strip(&self, head: &mut Parts) {
        match self {
            Self::Header(name) => {
                head.headers.remove(name);
            }
            Self::Query(name) => {
                if let Some(uri) = without_parameter(&head.uri, name) {
                    head.uri = uri;
                }
            }
            Self::Cookie(name) => strip_cookie(&mut head.headers, name),
        }
    }
}

fn after_bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| key.trim_ascii())
}

/// The parameters of a query, as they are written.
fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let written = query.split('&').filter(|parameter| !parameter.is_empty());
    written.map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

fn is_parameter(there: &str, name: &str) -> bool {
    there == name || percent_decode_str(&there.replace('+', " ")).eq(name.bytes())
}

/// `uri` without the parameters called `name`; `None` if that is no URI, which cannot be.
fn without_parameter(uri: &Uri, name: &str) -> Option<Uri> {
    let query = uri.query()?;
    let left: Vec<_> = query
        .split('&')
        .filter(|parameter| {
            let (there, _) = parameter.split_once('=').unwrap_or((parameter, ""));
            !is_parameter(there, name)
        })
        .collect();
    let path = uri.path();
    let target = if left.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", left.join("&"))
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// The cookies of a request, as they are written: bytes, which need not be text.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).iter();
    lines.flat_map(cookies_of)
}

fn cookies_of(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let cookies = line.as_bytes().split(|byte| *byte == b';');
    cookies
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
}

fn name_and_value(cookie: &[u8]) -> (&[u8], Option<&[u8]>) {
    match cookie.iter().position(|byte| *byte == b'=') {
        Some(at) => (&cookie[..at], Some(&cookie[at + 1..])),
        None => (cookie, None),
    }
}

fn is_cookie(cookie: &[u8], name: &str) -> bool {
    name_and_value(cookie).0 == name.as_bytes()
}

fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""));
    inner.unwrap_or(value)
}

/// Removes the cookies called `name`, and leaves lines that have none of them byte for byte.
fn strip_cookie(headers: &mut HeaderMap, name: &str) {
    if !cookies(headers).any(|cookie| is_cookie(cookie, name)) {
        return;
    }
    let lines = headers.get_all(COOKIE).iter();
    let left: Vec<_> = lines
        .filter_map(|line| without_cookie(line, name))
        .collect();
    headers.remove(COOKIE);
    for line in left {
        headers.append(COOKIE, line);
    }
}

/// `line` without the cookies called `name`; `None` if nothing is left of it.
fn without_cookie(line: &HeaderValue, name: &str) -> Option<HeaderValue> {
    if !cookies_of(line).any(|cookie| is_cookie(cookie, name)) {
        return Some(line.clone());
    }
    let left = cookies_of(line).filter(|cookie| !is_cookie(cookie, name));
    let left = left.collect::<Vec<_>>().join(&b"; "[..]);
    let left = HeaderValue::from_bytes(&left).ok();
    left.filter(|left| !left.is_empty())
}
