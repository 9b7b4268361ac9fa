//! Telling caches what an answer depends on.

use http::header::VARY;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Says that the answer depends on the request header `name`, unless that is said already.
pub(super) fn vary_on(headers: &mut HeaderMap, name: &'static HeaderName) {
    let said = |value: &HeaderValue| {
        value.to_str().is_ok_and(|value| {
            let mut names = value.split(',').map(str::trim);
            names.any(|said| said == "*" || said.eq_ignore_ascii_case(name.as_str()))
        })
    };
    if !headers.get_all(VARY).iter().any(said) {
        headers.append(VARY, HeaderValue::from_static(name.as_str()));
    }
}
