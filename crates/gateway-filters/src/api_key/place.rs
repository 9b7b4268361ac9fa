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
                    .map(|cookie| cookie.split_once('=').map(|(_, v)| unquoted(v).into())),
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

/// The cookies of a request, as they are written.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(COOKIE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.is_empty())
}

fn is_cookie(cookie: &str, name: &str) -> bool {
    cookie.split_once('=').map_or(cookie, |(there, _)| there) == name
}

fn unquoted(value: &str) -> &[u8] {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    inner.unwrap_or(value).as_bytes()
}

fn strip_cookie(headers: &mut HeaderMap, name: &str) {
    let left: Vec<_> = cookies(headers).filter(|c| !is_cookie(c, name)).collect();
    let left = HeaderValue::try_from(left.join("; "));
    headers.remove(COOKIE);
    if let Ok(left) = left
        && !left.is_empty()
    {
        headers.insert(COOKIE, left);
    }
}
