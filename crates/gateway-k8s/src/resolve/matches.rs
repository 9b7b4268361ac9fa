//! What a rule asks of a request.

use gateway_core::model::{PathMatch, RouteMatch, ValueMatch};
use http::{HeaderName, Method};

use super::field::Field;
use crate::api::{HeaderMatch, HttpPathMatch, HttpRouteMatch, MatchType, PathMatchType};
use crate::verdict::{Problem, Reason};

/// Reads one match.
pub(super) fn route_match(written: &HttpRouteMatch, at: &Field<'_>) -> Result<RouteMatch, Problem> {
    let path = match &written.path {
        Some(path) => path_match(path, &at.name("path"))?,
        None => PathMatch::default(),
    };
    let mut read = RouteMatch::path(path);

    if let Some(method) = &written.method {
        let at = at.name("method");
        if method.unknown().is_some() {
            return Err(unsupported(
                format!("{method} is not a method that can be matched"),
                &at,
            ));
        }
        let method = Method::from_bytes(method.as_str().as_bytes());
        read = read.with_method(method.map_err(|error| unsupported(error.to_string(), &at))?);
    }
    read = with_headers(read, written.headers.as_deref(), at)?;
    for (index, query) in entries(written.query_params.as_deref(), &at.name("queryParams"))? {
        let at = at.item("queryParams", index);
        if !is_token(&query.name) {
            return Err(invalid_name(&query.name, &at.name("name")));
        }
        read = read.with_query(&query.name, value_match(query, QUERY_VALUE_BYTES, &at)?);
    }

    Ok(read)
}

/// Adds the conditions on headers.
pub(super) fn with_headers(
    mut read: RouteMatch,
    written: Option<&[HeaderMatch]>,
    at: &Field<'_>,
) -> Result<RouteMatch, Problem> {
    for (index, header) in entries(written, &at.name("headers"))? {
        let at = at.item("headers", index);
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| invalid_name(&header.name, &at.name("name")))?;
        read = read.with_header(name, value_match(header, HEADER_VALUE_BYTES, &at)?);
    }

    Ok(read)
}

fn path_match(written: &HttpPathMatch, at: &Field<'_>) -> Result<PathMatch, Problem> {
    let value = written.value.as_deref().unwrap_or("/");
    let at_value = at.name("value");
    if value.len() > PATH_BYTES {
        return Err(unsupported(
            format!("is longer than {PATH_BYTES} bytes"),
            &at_value,
        ));
    }
    let read = match &written.r#type {
        Some(PathMatchType::Exact) => {
            check_path(value, &at_value).map(|()| PathMatch::exact(value))?
        }
        None | Some(PathMatchType::PathPrefix) => {
            check_path(value, &at_value).map(|()| PathMatch::prefix(value))?
        }
        Some(PathMatchType::RegularExpression) => PathMatch::regex(value),
        Some(PathMatchType::Unknown(other)) => {
            return Err(unsupported(
                format!("{other:?} is not a way to match a path"),
                &at.name("type"),
            ));
        }
    };

    read.map_err(|error| unsupported(error.to_string(), &at_value))
}

/// The rules of `HTTPPathMatch` for paths, which an API server would have held.
/// They keep paths out that no normalised request can have.
fn check_path(path: &str, at: &Field<'_>) -> Result<(), Problem> {
    const FORBIDDEN: [&str; 6] = ["//", "/./", "/../", "%2f", "%2F", "#"];

    if !path.starts_with('/') {
        return Err(unsupported(format!("{path:?} does not begin with /"), at));
    }
    if let Some(part) = FORBIDDEN.iter().find(|part| path.contains(**part)) {
        return Err(unsupported(format!("{path:?} contains {part:?}"), at));
    }
    if let Some(end) = ["/..", "/."].iter().find(|end| path.ends_with(**end)) {
        return Err(unsupported(format!("{path:?} ends with {end:?}"), at));
    }
    if !is_path(path) {
        return Err(unsupported(
            format!("{path:?} has characters that no path has"),
            at,
        ));
    }

    Ok(())
}

/// Whether every byte may stand in a path, and every `%` begins an escape.
pub(super) fn is_path(path: &str) -> bool {
    let mut bytes = path.bytes();

    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                digit() && digit()
            }
            _ => byte.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@".contains(&byte),
        };
        if !fine {
            return false;
        }
    }

    true
}

fn value_match(written: &HeaderMatch, limit: usize, at: &Field<'_>) -> Result<ValueMatch, Problem> {
    let at_value = at.name("value");
    let value = written.value.as_str();
    if value.is_empty() || value.len() > limit {
        return Err(unsupported(
            format!("is not between 1 and {limit} bytes long"),
            &at_value,
        ));
    }

    match &written.r#type {
        None | Some(MatchType::Exact) => Ok(ValueMatch::exact(value)),
        Some(MatchType::RegularExpression) => {
            ValueMatch::regex(value).map_err(|error| unsupported(error.to_string(), &at_value))
        }
        Some(MatchType::Unknown(other)) => Err(unsupported(
            format!("{other:?} is not a way to match a value"),
            &at.name("type"),
        )),
    }
}

fn entries<'a, T>(
    list: Option<&'a [T]>,
    at: &Field<'_>,
) -> Result<std::iter::Enumerate<std::slice::Iter<'a, T>>, Problem> {
    let list = list.unwrap_or_default();
    if list.len() > ENTRIES {
        return Err(unsupported(format!("has more than {ENTRIES} entries"), at));
    }

    Ok(list.iter().enumerate())
}

fn is_token(text: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);

    !text.is_empty() && text.len() <= NAME_BYTES && text.bytes().all(in_token)
}

fn invalid_name(name: &str, at: &Field<'_>) -> Problem {
    unsupported(format!("{name:?} is not a name"), at)
}

pub(super) fn unsupported(message: impl Into<String>, at: &Field<'_>) -> Problem {
    Problem::new(Reason::UnsupportedValue, message).at(at)
}

const ENTRIES: usize = 16;
const NAME_BYTES: usize = 256;
const PATH_BYTES: usize = 1024;
const HEADER_VALUE_BYTES: usize = 4096;
const QUERY_VALUE_BYTES: usize = 1024;
