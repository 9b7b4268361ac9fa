//! Whether a response is worth it, and what else changes with it.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Body;
use tower_http::compression::Predicate;

use super::settings::Compression;

impl Compression {
    /// Whether `response` is to be compressed for a client that can read it, if it is not coded
    /// already and whole.
    pub fn is_worth<B: Body>(&self, response: &Response<B>) -> bool {
        let headers = response.headers();
        !response.body().is_end_stream()
            && self.is_worth_type(headers)
            && self.is_worth_size(headers, response.body())
            && !forbids_transforming(headers)
    }

    fn is_worth_type(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(CONTENT_TYPE).map(HeaderValue::to_str);
        match value {
            Some(Ok(text)) => self.types.iter().any(|pattern| pattern.matches(text)),
            Some(Err(_)) | None => false,
        }
    }

    fn is_worth_size<B: Body>(&self, headers: &HeaderMap, body: &B) -> bool {
        let declared = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let size = declared.or_else(|| body.size_hint().exact());
        size.is_none_or(|size| size >= self.min_size)
    }
}

/// The settings as tower-http asks them.
#[derive(Clone, Debug)]
pub(super) struct Worth(pub(super) Arc<Compression>);

impl Predicate for Worth {
    fn should_compress<B: Body>(&self, response: &Response<B>) -> bool {
        self.0.is_worth(response)
    }
}

/// Says that what has been compressed means the same as before, but is not the same byte by byte.
pub(super) fn weaken_etag(headers: &mut HeaderMap) {
    let Some(etag) = headers.get(ETAG) else {
        return;
    };
    if etag.as_bytes().starts_with(b"W/") {
        return;
    }
    match HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat()) {
        Ok(weak) => headers.insert(ETAG, weak),
        Err(_) => headers.remove(ETAG),
    };
}

fn forbids_transforming(headers: &HeaderMap) -> bool {
    headers.get_all(CACHE_CONTROL).iter().any(|value| {
        let directives = value.as_bytes().split(|byte| *byte == b',');
        directives
            .map(<[u8]>::trim_ascii)
            .any(|directive| directive.eq_ignore_ascii_case(b"no-transform"))
    })
}
