//! Choosing and writing a body.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, LAST_MODIFIED, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, Request, Response, StatusCode};

use super::accept::{joined, quality};
use super::settings::{ErrorBodies, ErrorBody};
use crate::answer::AnsweredHere;
use crate::grpc::is_grpc;
use crate::template::{Source, Variable, of_status};
use crate::tunnel::asks_for_tunnel;

/// What has to be known of a request when it has failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    accept: String,
    /// One for each of the variables.
    values: Vec<Vec<u8>>,
}

impl ErrorBodies {
    /// What to remember of `request`; `None` if its response is to be left alone.
    pub fn remember<B>(&self, request: &Request<B>) -> Option<Remembered> {
        let headers = request.headers();
        if self.is_empty() || is_grpc(headers) || asks_for_tunnel(request.method(), headers) {
            return None;
        }
        let source = Source::of(request);
        let values = self.variables.iter();
        Some(Remembered {
            // With one body there is nothing to choose.
            accept: if self.bodies.len() > 1 {
                joined(headers.get_all(ACCEPT).iter())
            } else {
                String::new()
            },
            values: values.map(|v| source.value(v).into_owned()).collect(),
        })
    }

    /// Gives `response` a body, if it is an error for which there is one.
    ///
    /// Changes its headers accordingly, and returns the new body.
    pub fn apply<B>(&self, remembered: &Remembered, response: &mut Response<B>) -> Option<Bytes> {
        let here = response.extensions().get::<AnsweredHere>().is_some();
        if !(here || self.upstream) || is_grpc(response.headers()) {
            return None;
        }
        let body = self.choose(response.status(), &remembered.accept)?;
        let text = body.text.render(
            |variable| self.value(remembered, variable, response.status()),
            |value, text| body.syntax.write(value, text),
        );
        replace_headers(response.headers_mut(), body);
        Some(text.into())
    }

    fn choose(&self, status: StatusCode, accept: &str) -> Option<&ErrorBody> {
        let ranked = |body: &ErrorBody| body.statuses.rank(status);
        let rank = self.bodies.iter().filter_map(ranked).min()?;
        let candidates = self.bodies.iter().filter(|body| ranked(body) == Some(rank));
        let quality = |body: &ErrorBody| quality(accept, (&body.media.0, &body.media.1));
        // The first of the best: `max_by_key` would give the last.
        candidates.rev().max_by_key(|body| quality(body))
    }

    fn value<'a>(
        &self,
        remembered: &'a Remembered,
        variable: &Variable,
        status: StatusCode,
    ) -> Cow<'a, [u8]> {
        let index = self.variables.iter().position(|known| known == variable);
        match index.and_then(|index| remembered.values.get(index)) {
            Some(value) => Cow::Borrowed(value),
            None => of_status(variable, status),
        }
    }
}

fn replace_headers(headers: &mut HeaderMap, body: &ErrorBody) {
    for name in ABOUT_THE_BODY {
        headers.remove(name);
    }
    headers.insert(CONTENT_TYPE, body.content_type.clone());
}

const ABOUT_THE_BODY: [HeaderName; 8] = [
    ACCEPT_RANGES,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    ETAG,
    LAST_MODIFIED,
    TRANSFER_ENCODING,
];
